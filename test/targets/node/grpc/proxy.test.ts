import {
  connect,
  createServer,
  type ClientHttp2Session,
  type Http2Server,
  type ServerHttp2Stream,
} from "node:http2";
import type { AddressInfo } from "node:net";
import { status } from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { frame } from "#targets/node/grpc/frames.ts";
import { eventually } from "#test/support/eventually.ts";
import { type InProcess, nodeRuntime } from "#test/support/node-runtime.ts";

/** An app that plays any service: what a call to it does is said by the path. */
class App {
  readonly #server: Http2Server;
  readonly open: Set<ServerHttp2Stream> = new Set();
  readonly headers: Array<Readonly<Record<string, unknown>>> = [];

  private constructor(server: Http2Server) {
    this.#server = server;
  }
  static async listen(): Promise<App> {
    const server = createServer({ settings: { maxConcurrentStreams: 100 } });
    const app = new App(server);
    server.on("stream", (stream, headers) => {
      app.open.add(stream);
      app.headers.push(headers);
      stream.on("error", () => {});
      stream.on("close", () => app.open.delete(stream));
      const path = headers[":path"] ?? "";
      if (path === "/t.T/Silent") return;
      if (path === "/t.T/Drop") return stream.session?.destroy();
      if (path === "/t.T/Reset") return stream.close(2);
      if (path === "/t.T/Flood") return flood(stream);
      stream.respond(
        { ":status": 200, "content-type": "application/grpc", "x-app": "1" },
        { waitForTrailers: true },
      );
      stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0", "x-end": "2" }));
      if (path === "/t.T/Huge") {
        stream.resume();
        return stream.end(frame(Buffer.alloc(200_000)));
      }
      return stream.pipe(stream);
    });
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    return app;
  }
  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }
  stop(): void {
    for (const stream of this.open) stream.session?.destroy();
    this.#server.close();
  }
}
/** Small messages for as long as somebody reads. */
function flood(stream: ServerHttp2Stream): void {
  stream.respond({ ":status": 200, "content-type": "application/grpc" });
  const message = frame(Buffer.alloc(50_000));
  const more = (): void => {
    while (!stream.destroyed && stream.write(message));
  };
  stream.on("drain", more);
  more();
}

describe("the gRPC proxy", () => {
  let app: App;
  let runtime: InProcess;
  let session: ClientHttp2Session;
  beforeAll(async () => {
    app = await App.listen();
    runtime = await nodeRuntime({
      appPort: app.port,
      appProtocol: "grpc",
      appToken: "app-token",
      maxBodyBytes: 100_000,
      disableInitEndpoints: ["config", "subscribe"],
    });
    session = connect(`http://127.0.0.1:${runtime.grpcPort}`);
  });
  afterAll(async () => {
    session.destroy();
    await runtime.stop();
    app.stop();
  });

  const start = (method: string, headers: Readonly<Record<string, string>> = {}) => {
    const stream = session.request({
      ":method": "POST",
      ":path": `/t.T/${method}`,
      "content-type": "application/grpc",
      te: "trailers",
      "dapr-app-id": "orders",
      ...headers,
    });
    stream.on("error", () => {});
    return stream;
  };
  /** Sends these frames and answers how the call ended. */
  function call(method: string, frames: readonly Uint8Array[] = [], headers = {}) {
    return new Promise<{ status: number; body: Buffer; headers: Record<string, unknown> }>(
      (resolve) => {
        const stream = start(method, headers);
        let seen: Record<string, unknown> = {};
        const chunks: Buffer[] = [];
        stream.on("response", (received) => (seen = { ...seen, ...received }));
        stream.on("trailers", (received) => (seen = { ...seen, ...received }));
        stream.on("data", (chunk: Buffer) => chunks.push(chunk));
        stream.on("close", () =>
          resolve({
            status: Number(seen["grpc-status"] ?? -1),
            body: Buffer.concat(chunks),
            headers: seen,
          }),
        );
        for (const each of frames) stream.write(each);
        stream.end();
      },
    );
  }

  it("passes frames, headers and trailers on", async () => {
    const sent = frame(Buffer.from("hello"));
    const { status: code, body, headers } = await call("Echo", [sent], { "x-mine": "yes" });
    expect(code).toBe(status.OK);
    expect(body).toEqual(sent);
    expect(headers).toMatchObject({ "x-app": "1", "x-end": "2" });
    const seen = app.headers.at(-1);
    expect(seen).toMatchObject({ "x-mine": "yes", "dapr-api-token": "app-token" });
    expect(seen).not.toHaveProperty("dapr-app-id");
  });
  it("lets no caller say who it is", async () => {
    await call("Echo", [], { "dapr-caller-app-id": "admin", "dapr-api-token": "stolen" });
    expect(app.headers.at(-1)?.["dapr-caller-app-id"]).toBeUndefined();
    expect(app.headers.at(-1)?.["dapr-api-token"]).toBe("app-token");
  });
  it("carries 300 calls at once to an app that takes 100 on a connection", async () => {
    const streams = Array.from({ length: 300 }, () => start("Echo"));
    for (const stream of streams) stream.write(frame(Buffer.from("x")));
    await Promise.all(streams.map((stream) => new Promise((done) => stream.once("data", done))));
    expect(app.open.size).toBe(300);
    for (const stream of streams) stream.close();
    await eventually(() => app.open.size === 0, { what: "no stream left" });
  });
  it("ends the app's call when the caller goes", async () => {
    const stream = start("Silent");
    stream.write(frame(Buffer.from("x")));
    await eventually(() => app.open.size === 1);
    stream.close(8);
    await eventually(() => app.open.size === 0, { what: "no stream left" });
  });
  it.each(["Drop", "Reset"])("tells a caller when the app breaks off (%s)", async (method) => {
    const { status: code } = await call(method, [frame(Buffer.from("x"))]);
    expect(code).toBe(status.UNAVAILABLE);
    expect((await call("Echo", [frame(Buffer.from("x"))])).status).toBe(status.OK);
  });
  it("passes no message that is larger than the limit, in either direction", async () => {
    expect((await call("Silent", [frame(Buffer.alloc(100_001))])).status).toBe(
      status.RESOURCE_EXHAUSTED,
    );
    expect((await call("Huge")).status).toBe(status.RESOURCE_EXHAUSTED);
    await eventually(() => app.open.size === 0, { what: "no stream left" });
  });
  it("holds an app back whose caller does not read", async () => {
    const stream = start("Flood");
    stream.pause();
    await new Promise((done) => stream.once("response", done));
    // What is on its way fits the windows of the two connections; the app can write no more.
    const written = async (): Promise<number> => {
      const [open] = app.open;
      return open?.writableLength ?? 0;
    };
    await eventually(async () => (await written()) > 0, { what: "a full window" });
    expect(app.open.size).toBe(1);
    stream.close(8);
    await eventually(() => app.open.size === 0, { what: "no stream left" });
  });
});
