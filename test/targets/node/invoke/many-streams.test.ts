import { connect, createServer, type ServerHttp2Stream } from "node:http2";
import type { AddressInfo } from "node:net";
import { describe, expect, it } from "vitest";
import { eventually } from "#test/support/eventually.ts";
import { nodeRuntime } from "#test/support/node-runtime.ts";

const calls = 7;
/** An app that takes so few streams on one connection, and keeps them open. */
async function app(maxConcurrentStreams: number) {
  const open: ServerHttp2Stream[] = [];
  const sessions = new Set<{ destroy(): void }>();
  const server = createServer({ settings: { maxConcurrentStreams } });
  server.on("session", (session) => sessions.add(session));
  server.on("stream", (stream, headers) => {
    stream.on("error", () => {});
    stream.resume();
    const isCall = headers[":path"]?.includes("held");
    if (isCall) open.push(stream);
    else stream.respond({ ":status": 404 }, { endStream: true });
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  return {
    open,
    sessions,
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: async () => {
      server.close();
      for (const session of sessions) session.destroy();
    },
  };
}

describe("more calls than an app takes on one connection", () => {
  it.each([1, 2, 100])("go over as many as they need: %i streams each (h2c)", async (limit) => {
    await using server = await app(limit);
    const runtime = await nodeRuntime({
      appPort: server.port,
      appProtocol: "h2c",
      disableInitEndpoints: ["config", "subscribe"],
    });
    const answers = Array.from({ length: calls }, () =>
      fetch(`http://127.0.0.1:${runtime.httpPort}/v1.0/invoke/orders/method/held`),
    );
    await eventually(() => server.open.length === calls, { what: "all calls at once" });
    expect(server.sessions.size).toBeGreaterThanOrEqual(Math.ceil(calls / limit));
    for (const stream of server.open) stream.respond({ ":status": 200 }, { endStream: true });
    for (const answer of await Promise.all(answers)) expect(answer.status).toBe(200);
    await runtime.stop();
  });
  it.each([1, 2])("go over as many as they need: %i streams each (gRPC)", async (limit) => {
    await using server = await app(limit);
    const runtime = await nodeRuntime({ appPort: server.port, appProtocol: "grpc" });
    const session = connect(`http://127.0.0.1:${runtime.grpcPort}`);
    for (let i = 0; i < calls; i++) {
      const stream = session.request({
        ":method": "POST",
        ":path": "/my.Service/held",
        "content-type": "application/grpc",
        te: "trailers",
        "dapr-app-id": "orders",
      });
      stream.on("error", () => {});
      stream.end();
    }
    await eventually(() => server.open.length === calls, { what: "all calls at once" });
    session.destroy();
    await runtime.stop();
  });
});
