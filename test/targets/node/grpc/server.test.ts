import { createServer } from "node:http";
import { connect, type ClientHttp2Session, type IncomingHttpHeaders } from "node:http2";
import type { AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";
import { create, toBinary } from "@bufbuild/protobuf";
import { status } from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { InvokeBindingRequestSchema } from "#core/wire/grpc/gen/dapr/proto/runtime/v1/binding_pb.js";
import {
  GetStateRequestSchema,
  SaveStateRequestSchema,
} from "#core/wire/grpc/gen/dapr/proto/runtime/v1/state_pb.js";
import { frame } from "#targets/node/grpc/frames.ts";
import { eventually } from "#test/support/eventually.ts";
import { type WireClient, wireClient } from "#test/support/grpc-client.ts";
import { type InProcess, nodeRuntime } from "#test/support/node-runtime.ts";

const service = "/dapr.proto.runtime.v1.Dapr/";
const getState = (key: string): Uint8Array =>
  toBinary(GetStateRequestSchema, create(GetStateRequestSchema, { storeName: "statestore", key }));

/** What a client sees that writes its own frames. */
interface Raw {
  readonly headers: IncomingHttpHeaders;
  readonly trailers: IncomingHttpHeaders;
  readonly body: Buffer;
  readonly reset: number | undefined;
}

describe("the gRPC port", () => {
  let runtime: InProcess;
  let client: WireClient;
  let session: ClientHttp2Session;
  beforeAll(async () => {
    runtime = await nodeRuntime({ maxBodyBytes: 100_000 });
    client = wireClient(runtime.grpcPort);
    session = connect(`http://127.0.0.1:${runtime.grpcPort}`);
  });
  afterAll(async () => {
    client[Symbol.dispose]();
    session.destroy();
    await runtime.stop();
  });

  function raw(
    chunks: readonly Uint8Array[],
    headers: Readonly<Record<string, string>> = {},
    rpc = "GetState",
    to = session,
  ): Promise<Raw> {
    return new Promise((resolve) => {
      const stream = to.request({
        ":method": "POST",
        ":path": rpc.startsWith("/") ? rpc : service + rpc,
        "content-type": "application/grpc",
        te: "trailers",
        ...headers,
      });
      let answer: IncomingHttpHeaders = {};
      let trailers: IncomingHttpHeaders = {};
      const body: Buffer[] = [];
      stream.on("response", (received) => (answer = received));
      stream.on("trailers", (received) => (trailers = received));
      stream.on("data", (chunk: Buffer) => body.push(chunk));
      stream.on("error", () => {});
      stream.on("close", () =>
        resolve({ headers: answer, trailers, body: Buffer.concat(body), reset: stream.rstCode }),
      );
      void (async () => {
        for (const chunk of chunks) {
          stream.write(chunk);
          await new Promise((done) => setTimeout(done, 2));
        }
        stream.end();
      })();
    });
  }
  const statusOf = ({ headers, trailers }: Raw): number =>
    Number(trailers["grpc-status"] ?? headers["grpc-status"]);

  it("answers one frame and the status in trailers", async () => {
    await client.unary("SaveState", {
      storeName: "statestore",
      states: [{ key: "a", value: new TextEncoder().encode("hello") }],
    });
    const answer = await raw([frame(getState("a"))]);
    expect(answer.headers).toMatchObject({ ":status": 200, "content-type": "application/grpc" });
    expect(answer.body.toString()).toContain("hello");
    expect(answer.body.readUInt32BE(1)).toBe(answer.body.length - 5);
    expect(answer.trailers["grpc-status"]).toBe("0");
  });
  it("takes a message that comes byte by byte", async () => {
    const bytes = frame(getState("a"));
    const chunks = [...bytes].map((_, i) => bytes.subarray(i, i + 1));
    expect(statusOf(await raw(chunks))).toBe(status.OK);
  });
  it("takes a gzipped message", async () => {
    const message = gzipSync(getState("a"));
    const packed = frame(message);
    packed[0] = 1;
    const answer = await raw([packed], { "grpc-encoding": "gzip" });
    expect(statusOf(answer)).toBe(status.OK);
    expect(answer.body.toString()).toContain("hello");
  });
  it.each([
    ["is not protobuf", [frame(Buffer.from([0xff, 0xff, 0xff]))], status.INTERNAL],
    ["ends inside its prefix", [Buffer.from([0, 0])], status.INTERNAL],
    ["ends inside the message", [frame(Buffer.alloc(100)).subarray(0, 50)], status.INTERNAL],
    ["is not there", [], status.INTERNAL],
    ["says it is compressed", [Buffer.from([1, 0, 0, 0, 1, 7])], status.INTERNAL],
    ["says it has 4 GiB", [Buffer.from([0, 255, 255, 255, 255, 1])], status.RESOURCE_EXHAUSTED],
    ["is larger than the limit", [frame(Buffer.alloc(100_001))], status.RESOURCE_EXHAUSTED],
  ])("refuses a message that %s", async (_, chunks, code) => {
    expect(statusOf(await raw(chunks))).toBe(code);
    // The connection is as good as before.
    expect(statusOf(await raw([frame(getState("a"))]))).toBe(status.OK);
  });
  it("refuses an answer that is larger than the limit", async () => {
    const value = new Uint8Array(99_000).fill(65);
    for (const key of ["b1", "b2"])
      await client.unary("SaveState", { storeName: "statestore", states: [{ key, value }] });
    const { code, message } = await client.unary("GetBulkState", {
      storeName: "statestore",
      keys: ["b1", "b2"],
    });
    expect(code).toBe(status.RESOURCE_EXHAUSTED);
    expect(message).toContain("larger than max");
  });
  it("knows nothing but gRPC", async () => {
    const answer = await raw([], { "content-type": "text/plain" });
    expect(answer.headers[":status"]).toBe(415);
  });
  it("sends text that HTTP cannot carry", async () => {
    const key = "ключ||%\n";
    const { code, message } = await client.unary("GetState", { storeName: "statestore", key });
    expect(code).toBe(status.INVALID_ARGUMENT);
    expect(message).toContain(key);
  });
  it("sends what a component says beside its failure before the trailers, as clients expect metadata", async () => {
    const absent = createServer((_, answer) => answer.writeHead(404).end("not here"));
    await new Promise<void>((resolve) => absent.listen(0, "127.0.0.1", resolve));
    const { port } = absent.address() as AddressInfo;
    const other = await nodeRuntime({
      appId: "bound",
      inlineResources: [
        {
          name: "web.yaml",
          text: `
apiVersion: dapr.io/v1alpha1
kind: Component
metadata: { name: web }
spec:
  type: bindings.http
  version: v1
  metadata: [{ name: url, value: "http://127.0.0.1:${port}" }]`,
        },
      ],
    });
    const request = create(InvokeBindingRequestSchema, { name: "web", operation: "get" });
    const bytes = frame(toBinary(InvokeBindingRequestSchema, request));
    const to = connect(`http://127.0.0.1:${other.grpcPort}`);
    const answer = await raw([bytes], {}, "InvokeBinding", to);
    to.destroy();
    await other.stop();
    absent.close();
    expect(answer.headers).toMatchObject({ ":status": 200, "metadata.statuscode": "404" });
    expect(answer.headers["grpc-status"]).toBeUndefined();
    expect(answer.trailers).toMatchObject({ "grpc-status": String(status.INTERNAL) });
  });
  it("refuses a call to a foreign service without a target", async () => {
    const answer = await raw([frame(Buffer.alloc(0))], {}, "/my.Service/Do");
    expect(statusOf(answer)).toBe(status.UNKNOWN);
    expect(decodeURIComponent(String(answer.headers["grpc-message"]))).toBe(
      "failed to proxy request: required metadata dapr-callee-app-id or dapr-app-id not found",
    );
  });
  it("says of the service of workflow SDKs that it is not there yet", async () => {
    const answer = await raw([frame(Buffer.alloc(0))], {}, "/TaskHubSidecarService/Hello");
    expect(statusOf(answer)).toBe(status.UNIMPLEMENTED);
    expect(decodeURIComponent(String(answer.headers["grpc-message"]))).toBe(
      "Outrigger does not support workflows yet",
    );
  });
  it.each(["ghost", "a.b.c", ""])("refuses a call to the app %j", async (id) => {
    const headers = { "dapr-app-id": id };
    const answer = await raw([frame(Buffer.alloc(0))], headers, "/my.Service/Do");
    expect(statusOf(answer)).not.toBe(status.OK);
  });
  it("continues the caller's trace", async () => {
    const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    const { headers } = await client.unary(
      "GetState",
      { storeName: "statestore", key: "a" },
      { metadata: { traceparent } },
    );
    const [bin] = headers.get("grpc-trace-bin");
    expect((bin as Buffer).toString("hex")).toContain("0af7651916cd43dd8448eb211c80319c");
  });
  it("carries more than 100 calls on a connection", async () => {
    const answers = await Promise.all(
      Array.from({ length: 500 }, () => raw([frame(getState("a"))])),
    );
    expect(answers.filter((answer) => statusOf(answer) !== status.OK)).toEqual([]);
  });
  it("lives on when a client goes in the middle of its call", async () => {
    for (let i = 0; i < 50; i++) {
      const gone = connect(`http://127.0.0.1:${runtime.grpcPort}`);
      gone.on("error", () => {});
      const stream = gone.request({
        ":method": "POST",
        ":path": `${service}${i % 2 === 0 ? "SaveState" : "SubscribeConfiguration"}`,
        "content-type": "application/grpc",
      });
      stream.on("error", () => {});
      stream.write(Buffer.from([0, 0, 0, 0, 9, 1]));
      await new Promise((done) => gone.once("connect", done));
      gone.destroy();
    }
    expect(statusOf(await raw([frame(getState("a"))]))).toBe(status.OK);
  });
});

describe("the gRPC port with an API token", () => {
  let runtime: InProcess;
  let client: WireClient;
  beforeAll(async () => {
    runtime = await nodeRuntime({ apiTokens: ["right"] });
    client = wireClient(runtime.grpcPort);
  });
  afterAll(async () => {
    client[Symbol.dispose]();
    await runtime.stop();
  });
  const call = (metadata: Readonly<Record<string, string>>) =>
    client.unary("GetState", { storeName: "statestore", key: "a" }, { metadata });

  it("asks for it on every call", async () => {
    const { code, message, details } = await call({});
    expect(code).toBe(status.UNAUTHENTICATED);
    expect(message).toBe("Unauthorized");
    expect(Buffer.from(details[0]?.value ?? []).toString()).toContain("missing api token");
    expect((await call({ "dapr-api-token": "wrong" })).code).toBe(status.UNAUTHENTICATED);
    expect((await call({ "dapr-api-token": "right" })).code).toBe(status.OK);
  });
  it("asks for it before a call is passed on", async () => {
    const session = connect(`http://127.0.0.1:${runtime.grpcPort}`);
    const stream = session.request({
      ":method": "POST",
      ":path": "/my.Service/Do",
      "content-type": "application/grpc",
      "dapr-app-id": "orders",
    });
    const headers = await new Promise<IncomingHttpHeaders>((done) => stream.once("response", done));
    expect(Number(headers["grpc-status"])).toBe(status.UNAUTHENTICATED);
    session.destroy();
  });
});

describe("what a gRPC port leaves behind", () => {
  const left = (): readonly string[] =>
    process
      .getActiveResourcesInfo()
      .filter((name) => name !== "Immediate" && !/Pipe|TTY|FSReq/.test(name))
      .sort();
  it("is not a socket, no server and no timer", async () => {
    // What earlier tests used must be gone first.
    await eventually(() => !left().includes("TCPSocketWrap"));
    const before = left();
    const runtime = await nodeRuntime();
    const client = wireClient(runtime.grpcPort);
    await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        client.unary("SaveState", {
          storeName: "statestore",
          states: [
            {
              key: `k${i}`,
              value: toBinary(SaveStateRequestSchema, create(SaveStateRequestSchema)),
            },
          ],
        }),
      ),
    );
    client[Symbol.dispose]();
    await runtime.stop();
    // The test runner's own timers come and go.
    const count = (list: readonly string[], name: string): number =>
      list.filter((each) => each === name).length;
    await eventually(
      () => {
        const now = left();
        return now.every((name) => count(now, name) <= count(before, name));
      },
      { what: `nothing but ${before.join()}` },
    );
  });
});
