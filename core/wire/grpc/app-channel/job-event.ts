import { create, toBinary } from "@bufbuild/protobuf";
import type { AppCallback } from "#core/ports/app-callback.ts";
import type { PlainResponse } from "#core/ports/platform.ts";
import { JobEventRequestSchema } from "#core/wire/grpc/gen/dapr/proto/runtime/v1/appcallback_pb.js";
import { notFound, type RpcAnswer, RpcError, unavailable, unimplemented } from "./rpc.ts";

type JobEvent = Extract<AppCallback, { readonly kind: "job-event" }>;

const rpcs = [
  "/dapr.proto.runtime.v1.AppCallback/OnJobEvent",
  "/dapr.proto.runtime.v1.AppCallbackAlpha/OnJobEventAlpha1",
] as const;
/** common.v1.HTTPExtension.Verb. */
const post = 3;

/** Runs a job: by the stable rpc, or by the older one where the app has only that. NotFound is a 404, every other failure a 500. */
export async function callJob(
  event: JobEvent,
  call: (path: string, message: Uint8Array) => Promise<RpcAnswer>,
): Promise<PlainResponse> {
  const request = jobRequest(event);
  let failure: RpcError | undefined;
  for (const path of rpcs)
    try {
      await call(path, request);
      return { status: 200, headers: [] };
    } catch (reason) {
      if (!(reason instanceof RpcError) || reason.code === unavailable) throw reason;
      failure = reason;
      if (reason.code !== unimplemented) break;
    }
  return {
    status: failure?.code === notFound ? 404 : 500,
    headers: ["content-type", "text/plain"],
    body: failure?.message ?? "",
  };
}

function jobRequest({ name, data }: JobEvent): Uint8Array {
  const any = data?.();
  return toBinary(
    JobEventRequestSchema,
    create(JobEventRequestSchema, {
      name,
      method: `job/${name}`,
      contentType: any?.typeUrl ?? "",
      httpExtension: { verb: post },
      ...(any
        ? { data: { typeUrl: any.typeUrl, value: any.value as Uint8Array<ArrayBuffer> } }
        : {}),
    }),
  );
}
