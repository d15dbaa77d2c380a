import { fromBinary, fromJson, type JsonObject, toBinary, toJson } from "@bufbuild/protobuf";
import { Metadata } from "@grpc/grpc-js";
import { ErrorInfoSchema } from "#core/wire/grpc/gen/google/rpc/status_pb.js";
import { type Rpc, type RpcDescriptor, rpcs } from "#core/wire/grpc/rpcs.ts";
import { detailsIn, type Ended, statusIn, type WireClient } from "../grpc-client.ts";
import { Refusal } from "./refusal.ts";

/** Dapr's gRPC API, its messages in protobuf's JSON; a status other than OK is thrown as a `Refusal`. */
export interface GrpcWire {
  unary<T>(rpc: Rpc, request: JsonObject): Promise<T>;
  /** As `unary`, with messages as they are where JSON cannot spell them; `own` goes with this call alone. */
  call(rpc: Rpc, request: object, own: Readonly<Record<string, string>>): Promise<Ended>;
  /** Sends these messages, and that there are no more. */
  stream<T>(rpc: Rpc, requests: readonly JsonObject[]): AnswerStream<T>;
}
export interface AnswerStream<T> {
  /** What has come so far. */
  readonly messages: readonly T[];
  /** Rejects with the `Refusal` where the status is not OK. */
  readonly ended: Promise<void>;
  cancel(): void;
}

/** `headers` go with every call. */
export function grpcWire(wire: WireClient, headers: Readonly<Record<string, string>>): GrpcWire {
  return {
    unary: async <T>(rpc: Rpc, request: JsonObject) => {
      const { response } = succeeded(await wire.unaryJson(rpc, request, { metadata: headers }));
      return toJson(descriptor(rpc).output, response) as T;
    },
    call: async (rpc, request, own) =>
      succeeded(await wire.unary(rpc, request, { metadata: { ...own, ...headers } })),
    stream: <T>(rpc: Rpc, requests: readonly JsonObject[]) => {
      const { path, input, output } = descriptor(rpc);
      const metadata = new Metadata();
      for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
      const call = wire.client.makeBidiStreamRequest(
        path,
        (request: JsonObject) => Buffer.from(toBinary(input, fromJson(input, request))),
        (bytes: Buffer) => toJson(output, fromBinary(output, bytes)) as T,
        metadata,
      );
      const messages: T[] = [];
      call.on("data", (message: T) => messages.push(message));
      call.on("error", () => {});
      const ended = new Promise<void>((resolve, reject) =>
        call.on("status", ({ code, details: message, metadata: trailers }) => {
          const details = detailsIn(statusIn(trailers));
          if (code === 0) resolve();
          else reject(refusalOf({ code, message, details }));
        }),
      );
      // Who cancels a stream does not ask how it has ended.
      ended.catch(() => {});
      for (const request of requests) call.write(request);
      call.end();
      return { messages, ended, cancel: () => call.cancel() };
    },
  };
}

function descriptor(rpc: Rpc): RpcDescriptor {
  const found = rpcs.get(rpc);
  if (!found) throw new Error(`No such rpc: ${rpc}`);
  return found;
}

function succeeded(ended: Ended): Ended {
  if (ended.code !== 0) throw refusalOf(ended);
  return ended;
}

function refusalOf({ code, message, details }: Pick<Ended, "code" | "message" | "details">) {
  const info = details.find(({ type }) => type === "google.rpc.ErrorInfo");
  const reason = info && fromBinary(ErrorInfoSchema, info.value).reason;
  return new Refusal(code, message, undefined, reason);
}
