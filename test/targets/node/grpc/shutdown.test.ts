import { connect } from "node:http2";
import { connect as connectSocket } from "node:net";
import { describe, expect, it } from "vitest";
import { wireClient } from "#test/support/grpc-client.ts";
import { nodeRuntime } from "#test/support/node-runtime.ts";

const turns = (count: number): Promise<void> =>
  count === 0
    ? Promise.resolve()
    : new Promise((resolve) => setImmediate(() => void turns(count - 1).then(resolve)));

describe("ending the gRPC port", () => {
  it.each([0, 1, 2, 3, 4, 5, 6, 8, 10, 20])(
    "does not wait for a client that closed its connection %i turns before",
    async (count) => {
      const runtime = await nodeRuntime({ gracefulShutdownMs: 2000 });
      const client = wireClient(runtime.grpcPort);
      await client.unary("GetMetadata", {});
      client[Symbol.dispose]();
      await turns(count);
      await expect(runtime.stop()).resolves.toBeUndefined();
    },
  );

  it("does not wait for clients that keep an idle connection open for ever", async () => {
    const runtime = await nodeRuntime({ gracefulShutdownMs: 2000 });
    const silent = connectSocket({ port: runtime.grpcPort, allowHalfOpen: true });
    silent.on("error", () => {});
    const idle = connect(`http://127.0.0.1:${runtime.grpcPort}`);
    await new Promise((resolve) => idle.once("remoteSettings", resolve));
    try {
      await expect(runtime.stop()).resolves.toBeUndefined();
    } finally {
      silent.destroy();
      idle.destroy();
    }
  });
});
