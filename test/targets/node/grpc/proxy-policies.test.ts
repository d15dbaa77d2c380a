import {
  connect,
  createServer,
  type ClientHttp2Session,
  type Http2Server,
  type ServerHttp2Stream,
} from "node:http2";
import type { AddressInfo } from "node:net";
import { status } from "@grpc/grpc-js";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { frame } from "#targets/node/grpc/frames.ts";
import type { NodeRuntime } from "#targets/node/options.ts";
import { startNode } from "#targets/node/start.ts";
import { eventually } from "#test/support/eventually.ts";
import { nodeApp } from "#test/support/node-runtime.ts";

const resiliency = `
apiVersion: dapr.io/v1alpha1
kind: Resiliency
metadata: { name: r }
scopes: [shop]
spec:
  policies:
    timeouts: { short: 300ms }
    retries:
      few: { policy: constant, duration: 10ms, maxRetries: 3 }
      picky:
        policy: constant
        duration: 10ms
        maxRetries: 3
        matching: { gRPCStatusCodes: "14" }
    circuitBreakers: { cb: { trip: consecutiveFailures >= 2, timeout: 1h } }
  targets:
    apps:
      flaky: { retry: few, timeout: short }
      picky: { retry: picky }
      slow: { timeout: short }
      fragile: { circuitBreaker: cb }
`;
const grpc = { ":status": 200, "content-type": "application/grpc" };

/** A service whose answers are said by the path and by how often it was called. */
class Service {
  readonly open: Set<ServerHttp2Stream> = new Set();
  calls = 0;
  received: Buffer[] = [];
  readonly #server: Http2Server = createServer();

  async listen(): Promise<void> {
    this.#server.on("stream", (stream, headers) => {
      this.open.add(stream);
      stream.on("error", () => {});
      stream.on("close", () => this.open.delete(stream));
      stream.on("data", (chunk: Buffer) => this.received.push(chunk));
      this.#answer(stream, headers[":path"] ?? "", ++this.calls);
    });
    await new Promise<void>((done) => this.#server.listen(0, "127.0.0.1", done));
  }
  #answer(stream: ServerHttp2Stream, path: string, call: number): void {
    const refuse = (code: number): void =>
      stream.respond(
        { ...grpc, "grpc-status": String(code), "x-why": "mine" },
        { endStream: true },
      );
    const answer = (code: number, messages: readonly string[]): void => {
      if (stream.destroyed) return;
      stream.respond({ ...grpc, "x-call": String(call) }, { waitForTrailers: true });
      stream.once("wantTrailers", () =>
        stream.sendTrailers({ "grpc-status": String(code), "x-end": "2" }),
      );
      for (const each of messages) stream.write(frame(Buffer.from(each)));
      stream.end();
    };
    switch (path) {
      case "/t.T/Flaky":
        return stream.once("end", () => (call < 3 ? refuse(14) : answer(0, ["yes"]))) && undefined;
      case "/t.T/Headers":
        return answer(call < 3 ? 14 : 0, []);
      case "/t.T/Never":
        return refuse(14);
      case "/t.T/Bad":
        return refuse(3);
      case "/t.T/Drop":
        return call < 3 ? stream.session?.destroy() : answer(0, ["yes"]);
      case "/t.T/Partial":
        return answer(14, ["part"]);
      case "/t.T/Silent":
        return;
      default:
        stream.once("end", () => answer(0, ["one", "two"]));
    }
  }
  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }
  stop(): void {
    for (const stream of this.open) stream.session?.destroy();
    this.#server.close();
  }
}

describe("proxied calls under policies", () => {
  const service = new Service();
  let runtime: NodeRuntime;
  let session: ClientHttp2Session;
  beforeAll(async () => {
    await service.listen();
    const silent = (): void => {};
    const common = { disableInitEndpoints: ["config", "subscribe"] };
    const callees = ["flaky", "picky", "slow", "fragile", "plain"].map((appId) =>
      nodeApp({ ...common, appId, appPort: service.port, appProtocol: "grpc", maxBodyBytes: 1e5 }),
    );
    const inlineResources = [{ name: "r.yaml", text: resiliency }];
    const shop = nodeApp({ ...common, appId: "shop", inlineResources, maxBodyBytes: 1e5 });
    runtime = await startNode({
      apps: [shop, ...callees],
      log: { debug: silent, info: silent, warn: silent, error: silent },
      env: {},
      failOnComponentError: true,
      shutdown: silent,
    });
    await runtime.ready;
    session = connect(`http://127.0.0.1:${runtime.apps.get("shop")?.grpcPort}`);
  });
  afterAll(async () => {
    session.destroy();
    await runtime.stop();
    service.stop();
  });
  beforeEach(() => {
    service.calls = 0;
    service.received = [];
  });

  const start = (to: string, method: string, headers: Readonly<Record<string, string>> = {}) => {
    const stream = session.request({
      ":method": "POST",
      ":path": `/t.T/${method}`,
      "content-type": "application/grpc",
      te: "trailers",
      "dapr-app-id": to,
      ...headers,
    });
    stream.on("error", () => {});
    return stream;
  };
  interface Ended {
    readonly status: number;
    readonly message: string;
    readonly body: string;
    readonly headers: Readonly<Record<string, unknown>>;
  }
  const ended = (stream: ReturnType<typeof start>): Promise<Ended> =>
    new Promise((resolve) => {
      let headers: Record<string, unknown> = {};
      const chunks: Buffer[] = [];
      stream.on("response", (received) => (headers = { ...headers, ...received }));
      stream.on("trailers", (received) => (headers = { ...headers, ...received }));
      stream.on("data", (chunk: Buffer) => chunks.push(chunk));
      stream.on("close", () =>
        resolve({
          status: Number(headers["grpc-status"] ?? -1),
          message: headers["grpc-message"] as string,
          body: Buffer.concat(chunks).toString(),
          headers,
        }),
      );
    });
  function call(to: string, method: string, messages: readonly string[] = ["hello"]) {
    const stream = start(to, method);
    const done = ended(stream);
    for (const each of messages) stream.write(frame(Buffer.from(each)));
    stream.end();
    return done;
  }

  it.each(["Flaky", "Headers", "Drop"])(
    "send the one message again until it is answered (%s)",
    async (method) => {
      const { status: code, headers } = await call("flaky", method);
      expect(code).toBe(status.OK);
      expect(service.calls).toBe(3);
      expect(headers).toMatchObject({ "x-call": "3", "x-end": "2" });
      if (method === "Flaky")
        expect(Buffer.concat(service.received)).toEqual(
          Buffer.concat(Array.from({ length: 3 }, () => frame(Buffer.from("hello")))),
        );
    },
  );
  it("give the app's last status when no try was better", async () => {
    const { status: code, headers } = await call("flaky", "Never");
    expect(code).toBe(status.UNAVAILABLE);
    expect(headers["x-why"]).toBe("mine");
    expect(service.calls).toBe(4);
  });
  it("look at the status that a policy names", async () => {
    expect((await call("picky", "Bad")).status).toBe(status.INVALID_ARGUMENT);
    expect(service.calls).toBe(1);
    expect((await call("picky", "Never")).status).toBe(status.UNAVAILABLE);
    expect(service.calls).toBe(5);
  });
  it("try nothing again of which the caller has got a part", async () => {
    const { status: code, body, headers } = await call("flaky", "Partial");
    expect(code).toBe(status.UNAVAILABLE);
    expect(body).toContain("part");
    expect(headers["x-end"]).toBe("2");
    expect(service.calls).toBe(1);
  });
  it("refuse a second message where it might have to be sent again", async () => {
    const { status: code, message } = await call("flaky", "Echo", ["one", "two"]);
    expect(code).toBe(status.FAILED_PRECONDITION);
    expect(message).toBe("cannot use resiliency policies with retries on streaming RPCs");
    await eventually(() => service.open.size === 0, { what: "no stream left" });
  });
  it("take many messages without a retry policy, and many answers with one", async () => {
    expect((await call("slow", "Echo", ["a", "b", "c"])).status).toBe(status.OK);
    const { status: code, body } = await call("flaky", "Echo");
    expect(code).toBe(status.OK);
    expect(body).toContain("one");
    expect(body).toContain("two");
  });
  it("end a call that takes too long, with each of its tries", async () => {
    const { status: code, message } = await call("slow", "Silent");
    expect(code).toBe(status.DEADLINE_EXCEEDED);
    expect(message).toBe("context deadline exceeded");
    await eventually(() => service.open.size === 0, { what: "no stream left" });
    expect(service.calls).toBe(1);
    expect((await call("flaky", "Silent")).status).toBe(status.DEADLINE_EXCEEDED);
    expect(service.calls).toBe(5);
  });
  it("let a stream that says so go on, however long it takes", async () => {
    const stream = start("flaky", "Silent", { "dapr-stream": "true" });
    const done = ended(stream);
    for (const each of ["a", "b"]) stream.write(frame(Buffer.from(each)));
    await new Promise((over) => setTimeout(over, 400));
    expect(service.open.size).toBe(1);
    stream.close(8);
    await done;
    await eventually(() => service.open.size === 0, { what: "no stream left" });
    expect(service.calls).toBe(1);
  });
  it("open a breaker for the method that fails, and for no other", async () => {
    for (let i = 0; i < 2; i++)
      expect((await call("fragile", "Never")).status).toBe(status.UNAVAILABLE);
    const { status: code, message } = await call("fragile", "Never");
    expect(code).toBe(status.UNKNOWN);
    expect(message).toBe("circuit breaker is open");
    expect(service.calls).toBe(2);
    expect((await call("fragile", "Echo")).status).toBe(status.OK);
  });
  it("end with their caller", async () => {
    const stream = start("flaky", "Silent");
    stream.write(frame(Buffer.from("x")));
    await eventually(() => service.open.size === 1);
    stream.close(8);
    await eventually(() => service.open.size === 0, { what: "no stream left" });
    await new Promise((over) => setTimeout(over, 100));
    expect(service.calls).toBe(1);
  });
  it("keep to the size of messages", async () => {
    expect((await call("flaky", "Echo", ["x".repeat(100_001)])).status).toBe(
      status.RESOURCE_EXHAUSTED,
    );
    expect(service.calls).toBe(1);
  });
  it("leave apps alone that no policy names", async () => {
    expect((await call("plain", "Never")).status).toBe(status.UNAVAILABLE);
    expect(service.calls).toBe(1);
  });
});
