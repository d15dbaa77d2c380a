import { fromBinary } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { grpcAppChannel } from "#core/wire/grpc/app-channel/channel.ts";
import { RpcError } from "#core/wire/grpc/app-channel/rpc.ts";
import { JobEventRequestSchema } from "#core/wire/grpc/gen/dapr/proto/runtime/v1/appcallback_pb.js";

const options = { signal: new AbortController().signal };
const stable = "/dapr.proto.runtime.v1.AppCallback/OnJobEvent";
const alpha = "/dapr.proto.runtime.v1.AppCallbackAlpha/OnJobEventAlpha1";

/** Runs a job in an app whose rpcs end with these codes. */
async function run(codes: Readonly<Record<string, number>>, data?: () => never) {
  const calls: Array<{ readonly path: string; readonly message: Uint8Array }> = [];
  const channel = grpcAppChannel(
    {
      call: async (path, message) => {
        calls.push({ path, message });
        const code = codes[path] ?? 0;
        if (code !== 0) throw new RpcError(code, "no");
        return { message: new Uint8Array(0), metadata: [] };
      },
    },
    { maxBodyBytes: 1000 },
  );
  const response = channel.send(
    {
      method: "POST",
      path: "/job/a%20b",
      headers: [],
      body: "1",
      callback: { kind: "job-event", name: "a b", data },
    },
    options,
  );
  return { calls, paths: () => calls.map(({ path }) => path), response };
}

describe("a job of an app that speaks gRPC", () => {
  it("comes with its name and its data as they are", async () => {
    const typeUrl = "type.googleapis.com/my.own.Type";
    const data = (): never => ({ typeUrl, value: Uint8Array.of(1, 2) }) as never;
    const { calls, response } = await run({}, data);
    expect(await response).toMatchObject({ status: 200 });
    expect(calls.map(({ path }) => path)).toEqual([stable]);
    const request = fromBinary(JobEventRequestSchema, calls[0]?.message as Uint8Array);
    expect(request).toMatchObject({
      name: "a b",
      method: "job/a b",
      contentType: typeUrl,
      httpExtension: { verb: 3 },
      data: { typeUrl },
    });
    expect([...(request.data?.value ?? [])]).toEqual([1, 2]);
  });
  it("without data has none", async () => {
    const { calls } = await run({});
    const request = fromBinary(JobEventRequestSchema, calls[0]?.message as Uint8Array);
    expect([request.data, request.contentType]).toEqual([undefined, ""]);
  });
  it.each([
    ["done by the older rpc", { [stable]: 12 }, 200, [stable, alpha]],
    ["not found, which is an end", { [stable]: 5 }, 404, [stable]],
    ["not found by the older rpc", { [stable]: 12, [alpha]: 5 }, 404, [stable, alpha]],
    ["failed", { [stable]: 13 }, 500, [stable]],
    ["failed by the older rpc", { [stable]: 12, [alpha]: 3 }, 500, [stable, alpha]],
    ["failed where the app has neither rpc", { [stable]: 12, [alpha]: 12 }, 500, [stable, alpha]],
  ])("is %s", async (_what, codes, code, paths) => {
    const { response, paths: called } = await run(codes);
    expect((await response).status).toBe(code);
    expect(called()).toEqual(paths);
  });
  it("cannot be called where the app is not there", async () => {
    const { response } = await run({ [stable]: 14 });
    await expect(response).rejects.toThrow(RpcError);
  });
});
