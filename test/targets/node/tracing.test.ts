import { writeFile } from "node:fs/promises";
import { connect, createServer, type IncomingHttpHeaders } from "node:http2";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import {
  otlpGrpcReceiver,
  otlpHttpReceiver,
  type OtlpReceiver,
} from "#test/doubles/otlp-receiver.ts";
import type { ReceivedSpan } from "#test/doubles/otlp-message.ts";
import { zipkinDouble } from "#test/doubles/zipkin-server.ts";
import { appServer, type AppServer } from "#test/support/app-server.ts";
import { eventually } from "#test/support/eventually.ts";
import { freePort } from "#test/support/free-port.ts";
import { wireClient } from "#test/support/grpc-client.ts";
import { inMemoryResources } from "#test/support/in-memory-resources.ts";
import { sidecar, type SidecarProcess } from "#test/support/sidecar.ts";
import { temporaryFile } from "#test/support/temporary-file.ts";
import { tracedRuntime, type TracedApp } from "#test/support/traced-runtime.ts";

const open: AsyncDisposable[] = [];
afterEach(async () => {
  for (const each of open.splice(0).toReversed()) await each[Symbol.asyncDispose]();
});
async function use<T extends AsyncDisposable>(opening: Promise<T>): Promise<T> {
  const opened = await opening;
  open.push(opened);
  return opened;
}

const traceId = "0af7651916cd43dd8448eb211c80319c";
const parentId = "b7ad6b7169203331";
const traceparent = `00-${traceId}-${parentId}-01`;

const named = (spans: readonly ReceivedSpan[], name: string): ReceivedSpan[] =>
  spans.filter((span) => span.name === name);
/** Waits for a span of that name; fails with the names that came. */
const spanNamed = (receiver: OtlpReceiver, name: string): Promise<ReceivedSpan> =>
  eventually(
    () => {
      const [found] = named(receiver.spans, name);
      if (!found) throw new Error(`only ${receiver.spans.map((span) => span.name).join(", ")}`);
      return found;
    },
    { what: `a span named ${name}` },
  );
const otlpHttp = ({ address }: OtlpReceiver, more = ""): string =>
  `{ samplingRate: "1", otel: { protocol: http, endpointAddress: "${address}", isSecure: false${more} } }`;
const post = (
  url: string,
  body: unknown,
  headers: Record<string, string> = {},
): Promise<Response> =>
  fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  });

const hook = (app: AppServer): string => `
apiVersion: dapr.io/v1alpha1
kind: Component
metadata: { name: hook }
spec: { type: bindings.http, version: v1, metadata: [{ name: url, value: "http://127.0.0.1:${app.port}/echo" }] }
---
apiVersion: dapr.io/v1alpha1
kind: Component
metadata: { name: tick }
spec: { type: bindings.cron, version: v1, metadata: [{ name: schedule, value: "@every 1s" }, { name: direction, value: input }, { name: route, value: /tick }] }
`;

describe("spans of the Node target, as a collector gets them", () => {
  it("join what one caller does: state, a binding, an invocation, an event and its delivery", async () => {
    const receiver = await use(otlpHttpReceiver());
    const app = await use(appServer());
    const { url } = await use(
      tracedRuntime([
        {
          appPort: app.port,
          tracing: otlpHttp(receiver, ', headers: [{ name: x-key, value: "k" }]'),
          inlineResources: [
            { name: "cell.yaml", text: inMemoryResources },
            { name: "hook.yaml", text: hook(app) },
          ],
        },
      ]),
    );
    const traced = { traceparent, tracestate: "a=b", "dapr-ticket": "T-7", "dapr-api-token": "no" };
    const base = url("orders");
    expect(
      (await post(`${base}/v1.0/state/statestore`, [{ key: "k", value: 1 }], traced)).status,
    ).toBe(204);
    expect(
      (await post(`${base}/v1.0/bindings/hook`, { operation: "post", data: 1 }, traced)).status,
    ).toBe(200);
    expect(
      (await post(`${base}/v1.0/invoke/orders/method/echo?api_key=hidden&n=1`, {}, traced)).status,
    ).toBe(201);
    expect(
      (await fetch(`${base}/v1.0/invoke/orders/method/nothing`, { headers: traced })).status,
    ).toBe(404);
    expect((await post(`${base}/v1.0/publish/pubsub/orders`, { n: 1 }, traced)).status).toBe(204);

    const delivery = await spanNamed(receiver, "pubsub/orders");
    const publish = await spanNamed(receiver, "/v1.0/publish/pubsub/orders");
    const state = await spanNamed(receiver, "/v1.0/state/statestore");
    const binding = await spanNamed(receiver, "/v1.0/bindings/hook");
    const invoke = await spanNamed(receiver, "CallLocal/orders/echo");
    const failed = await spanNamed(receiver, "CallLocal/orders/nothing");
    for (const span of [publish, state, binding, invoke, failed])
      expect(span).toMatchObject({
        traceId,
        parentId,
        tracestate: "a=b",
        kind: "client",
        scope: "dapr-diagnostics",
        resource: { "service.name": "orders" },
      });
    expect(delivery).toMatchObject({ traceId, parentId: publish.spanId, kind: "client" });
    expect(delivery.attributes).toEqual({
      "messaging.system": "pubsub",
      "messaging.destination.name": "orders",
      "dapr.status_code": "200",
    });
    const { "server.port": port, ...attributes } = state.attributes;
    expect(Number(port)).toBeGreaterThan(0);
    expect(attributes).toEqual({
      "dapr-ticket": "T-7",
      "dapr.api": "POST /v1.0/state/statestore",
      "dapr.protocol": "http",
      "dapr.status_code": "204",
      "db.connection_string": "state",
      "db.name": "statestore",
      "db.statement": "POST /v1.0/state/statestore",
      "db.system": "state",
      "http.request.method": "POST",
      "server.address": "127.0.0.1",
      "url.full": "/v1.0/state/statestore",
    });
    expect(binding.attributes).toMatchObject({ "db.system": "bindings", "db.name": "hook" });
    expect(invoke).toMatchObject({
      failed: false,
      attributes: {
        "rpc.service": "ServiceInvocation",
        "net.peer.name": "orders",
        "url.full": "/v1.0/invoke/orders/method/echo?api_key=REDACTED&n=1",
      },
    });
    expect(failed).toMatchObject({
      failed: true,
      message: "Code(404): Not Found",
      attributes: { "dapr.status_code": "404" },
    });
    for (const span of receiver.spans) expect(span.endNs).toBeGreaterThanOrEqual(span.startNs);
    // What the app was told is what was exported.
    const told = async (path: string): Promise<string[]> =>
      (await app.saw(path)).map(({ headers }) => headers["traceparent"] ?? "");
    expect(await told("/on-order")).toEqual([`00-${traceId}-${delivery.spanId}-01`]);
    expect(await told("/echo")).toEqual([`00-${traceId}-${binding.spanId}-01`]);
    expect(await told("/echo?api_key=hidden&n=1")).toEqual([`00-${traceId}-${invoke.spanId}-01`]);
    expect(receiver.exports[0]).toMatchObject({
      ":path": "/v1/traces",
      "x-key": "k",
      "content-type": "application/x-protobuf",
    });
    // An input binding starts a trace of its own.
    const tick = await spanNamed(receiver, "bindings/tick");
    expect(tick).toMatchObject({ parentId: "", kind: "client", failed: true });
    expect(tick.attributes).toMatchObject({
      "db.name": "tick",
      "db.system": "bindings",
      "db.connection_string": "POST /tick",
      "rpc.service": "Dapr",
    });
    expect(
      JSON.stringify(receiver.spans, (_, value: unknown) =>
        typeof value === "bigint" ? "" : value,
      ),
    ).not.toMatch(/hidden|dapr-api-token|healthz/);
  });

  it("go out over gRPC, with headers, and of gRPC calls", async () => {
    const receiver = await use(otlpGrpcReceiver());
    const { grpcPort, url } = await use(
      tracedRuntime([
        {
          tracing: `{ samplingRate: "1", otel: { protocol: grpc, endpointAddress: "${receiver.address}", isSecure: false, headers: ["x-key=k"] } }`,
        },
      ]),
    );
    using client = wireClient(grpcPort("orders"));
    const metadata = { traceparent, "dapr-ticket": "T-8", baggage: "user=1" };
    const get = await client.unary("GetState", { storeName: "statestore", key: "k" }, { metadata });
    expect(get.code).toBe(0);
    expect(get.headers.get("baggage")).toEqual(["user=1"]);
    await client.unary("GetState", { storeName: "none", key: "k" }, { metadata });
    await client.unary("PublishEvent", { pubsubName: "pubsub", topic: "t" }, { metadata });
    await client.unary("InvokeService", { id: "nobody", message: { method: "m" } }, { metadata });
    const bad = await client.unary(
      "GetState",
      { storeName: "statestore", key: "k" },
      { metadata: { baggage: "a" } },
    );
    expect(bad).toMatchObject({ code: 3, message: 'invalid baggage header: no "=" in member "a"' });
    await fetch(`${url("orders")}/v1.0/healthz`);

    const invoke = await spanNamed(receiver, "CallLocal/nobody/m");
    expect(invoke).toMatchObject({
      traceId,
      parentId,
      failed: true,
      attributes: { "rpc.service": "ServiceInvocation", "net.peer.name": "nobody" },
    });
    const reads = "/dapr.proto.runtime.v1.Dapr/GetState";
    // They may go out in two batches.
    await eventually(() => named(receiver.spans, reads).length === 3);
    const [read, missing, refused] = named(receiver.spans, reads);
    expect(read).toMatchObject({ traceId, parentId, kind: "client", failed: false });
    expect(read?.attributes).toEqual({
      "dapr-ticket": "T-8",
      "dapr.api": "/dapr.proto.runtime.v1.Dapr/GetState",
      "dapr.protocol": "grpc",
      "dapr.status_code": "0",
      "db.connection_string": "state",
      "db.name": "statestore",
      "db.statement": "/dapr.proto.runtime.v1.Dapr/GetState",
      "db.system": "state",
      "rpc.service": "Dapr",
    });
    expect(missing).toMatchObject({ failed: true, message: expect.stringContaining("none") });
    expect(refused).toMatchObject({ failed: true, attributes: { "dapr.status_code": "3" } });
    expect(
      named(receiver.spans, "/dapr.proto.runtime.v1.Dapr/PublishEvent")[0]?.attributes,
    ).toMatchObject({
      "messaging.system": "pubsub",
      "messaging.destination.name": "t",
    });
    expect(receiver.exports[0]).toMatchObject({ "x-key": "k" });
    expect(receiver.spans.some(({ name }) => name.includes("healthz"))).toBe(false);
  });

  it("go to Zipkin and a collector at once, in what each understands", async () => {
    const receiver = await use(otlpHttpReceiver());
    const zipkin = await use(zipkinDouble());
    const { url } = await use(
      tracedRuntime([
        {
          tracing: `{ samplingRate: "1", stdout: true, zipkin: { endpointAddress: "${zipkin.url}" }, otel: { protocol: http, endpointAddress: "${receiver.address}", isSecure: false } }`,
        },
      ]),
    );
    await fetch(`${url("orders")}/v1.0/invoke/nobody/method/m`, { headers: { traceparent } });
    const [span] = await eventually(() => zipkin.spans.length > 0 && zipkin.spans);
    expect(span).toMatchObject({
      traceId,
      parentId,
      name: "CallLocal/nobody/m",
      kind: "CLIENT",
      localEndpoint: { serviceName: "orders" },
      remoteEndpoint: { serviceName: "nobody" },
      tags: {
        "otel.status_code": "ERROR",
        error: "Code(500): Internal Server Error",
        "rpc.service": "ServiceInvocation",
      },
    });
    expect(span?.duration).toBeGreaterThan(0);
    const same = await spanNamed(receiver, "CallLocal/nobody/m");
    expect(same).toMatchObject({ spanId: span?.id, traceId });
    expect(same.startNs / 1000n).toBe(BigInt(span?.timestamp ?? 0));
  });

  it("of two apps of one process never mix, and join where one calls the other", async () => {
    const [first, second] = [await use(otlpHttpReceiver()), await use(otlpHttpReceiver())];
    const app = await use(appServer());
    const { url } = await use(
      tracedRuntime([
        { appId: "caller", tracing: otlpHttp(first) },
        { appId: "callee", appPort: app.port, tracing: otlpHttp(second) },
      ]),
    );
    await post(`${url("caller")}/v1.0/invoke/callee/method/echo`, {}, { traceparent });
    await fetch(`${url("callee")}/v1.0/state/statestore/k`);
    const server = (await eventually(
      () => named(second.spans, "CallLocal/callee/echo")[0],
    )) as ReceivedSpan;
    const client = await spanNamed(first, "CallLocal/callee/echo");
    await spanNamed(second, "/v1.0/state/statestore/k");
    expect(client).toMatchObject({ traceId, parentId, kind: "client" });
    expect(server).toMatchObject({ traceId, parentId: client.spanId, kind: "server" });
    expect(server.attributes).toMatchObject({
      "dapr.invoke_method": "echo",
      "rpc.service": "ServiceInvocation",
      "dapr-caller-app-id": "caller",
    });
    expect((await app.saw("/echo"))[0]?.headers["traceparent"]).toBe(
      `00-${traceId}-${server.spanId}-01`,
    );
    expect(first.spans.map(({ resource }) => resource["service.name"])).toEqual(["caller"]);
    expect(new Set(second.spans.map(({ resource }) => resource["service.name"]))).toEqual(
      new Set(["callee"]),
    );
  });

  it("of two processes join over the internal channel", async () => {
    const receiver = await use(otlpGrpcReceiver());
    const app = await use(appServer());
    const env = {
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://${receiver.address}`,
      OTEL_BSP_SCHEDULE_DELAY: "20",
    };
    const config = temporaryFile("config.yaml");
    const port = await freePort();
    await writeFile(
      config,
      `apiVersion: dapr.io/v1alpha1\nkind: Configuration\nmetadata: { name: names }\nspec: { nameResolution: { component: static, version: v1, configuration: { hosts: { callee: "127.0.0.1:${port}" } } } }\n`,
    );
    const common = ["--config", config, "--log-level", "error"];
    const callee = await started(
      [
        ...common,
        "--app-id",
        "callee",
        "--app-port",
        String(app.port),
        "--dapr-internal-grpc-port",
        String(port),
      ],
      env,
    );
    const caller = await started([...common, "--app-id", "caller"], env);
    const answer = await post(
      `http://127.0.0.1:${caller.httpPort}/v1.0/invoke/callee/method/echo`,
      {},
      { traceparent, tracestate: "a=b" },
    );
    expect(answer.status).toBe(201);
    const both = await eventually(() => {
      const spans = named(receiver.spans, "CallLocal/callee/echo");
      return spans.length === 2 && spans;
    });
    const client = both.find(({ kind }) => kind === "client");
    const server = both.find(({ kind }) => kind === "server");
    expect(client).toMatchObject({ traceId, parentId, resource: { "service.name": "caller" } });
    expect(server).toMatchObject({
      traceId,
      parentId: client?.spanId,
      tracestate: "a=b",
      resource: { "service.name": "callee" },
    });
    const [seen] = await app.saw("/echo");
    expect(seen?.headers).toMatchObject({
      traceparent: `00-${traceId}-${server?.spanId}-01`,
      tracestate: "a=b",
    });
    expect(await caller.stop()).toBe(0);
    expect(await callee.stop()).toBe(0);
  });

  it("of a proxied gRPC call name its method on both sides, and how it ended", async () => {
    const receiver = await use(otlpHttpReceiver());
    const grpcApp = await use(echoGrpc());
    const { grpcPort } = await use(
      tracedRuntime([
        { appId: "caller", tracing: otlpHttp(receiver) },
        {
          appId: "callee",
          appPort: grpcApp.port,
          appProtocol: "grpc",
          tracing: otlpHttp(receiver),
        },
      ]),
    );
    await proxied(grpcPort("caller"), "/t.T/Twice", "callee");
    await proxied(grpcPort("caller"), "/t.T/Fail", "callee");
    await proxied(grpcPort("callee"), "/t.T/Own", "callee");
    expect(await proxied(grpcPort("caller"), "/t.T/Echo", "callee", "a=1")).toBe("0");
    expect(await proxied(grpcPort("caller"), "/t.T/Never", "callee", "a")).toBe("3");
    expect(grpcApp.seen.map((headers) => headers["baggage"]).filter(Boolean)).toEqual(["a=1"]);
    const own = await spanNamed(receiver, "/t.T/Own");
    expect(own).toMatchObject({ kind: "server", failed: false });
    for (const [name, message] of [
      ["/t.T/Twice", ""],
      ["/t.T/Fail", "no way: 50%"],
    ] as const) {
      const both = await eventually(() => {
        const spans = named(receiver.spans, name);
        return spans.length >= 2 && spans;
      });
      const client = both.find(({ kind }) => kind === "client");
      const server = both.find(({ parentId: parent }) => parent === client?.spanId);
      expect(client).toMatchObject({ traceId, parentId, message, failed: message !== "" });
      expect(server).toMatchObject({ traceId, kind: "server", message });
      expect(client?.attributes).toMatchObject({ "dapr.api": name, "dapr.protocol": "grpc" });
      const seen = grpcApp.seen.find((headers) => headers[":path"] === name);
      expect(seen?.["traceparent"]).toBe(`00-${traceId}-${server?.spanId}-01`);
      expect(Buffer.from(String(seen?.["grpc-trace-bin"]), "base64").toString("hex")).toBe(
        `0000${traceId}01${server?.spanId}0201`,
      );
    }
  });
});

describe("what is exported, and what is not", () => {
  const silent: TracedApp = { tracing: '{ samplingRate: "0", stdout: true }' };
  it("tracing that is off makes no headers, and leaves the caller's as they are", async () => {
    const app = await use(appServer());
    const { url } = await use(tracedRuntime([{ ...silent, appPort: app.port }]));
    const answer = await post(
      `${url("orders")}/v1.0/invoke/orders/method/echo`,
      {},
      { traceparent, baggage: "a" },
    );
    expect(answer.headers.has("traceparent")).toBe(false);
    expect((await app.saw("/echo"))[0]?.headers).toMatchObject({ traceparent, baggage: "a" });
  });
  it("baggage goes on whether a call is sampled or not, and nonsense is refused", async () => {
    const app = await use(appServer());
    const { url } = await use(tracedRuntime([{ appPort: app.port }]));
    const call = (baggage: string): Promise<Response> =>
      post(
        `${url("orders")}/v1.0/invoke/orders/method/echo`,
        {},
        { traceparent: `00-${traceId}-${parentId}-00`, baggage },
      );
    const answer = await call("user=7;p=1, b=2");
    expect(answer.headers.get("baggage")).toBe("user=7;p=1, b=2");
    expect((await app.saw("/echo"))[0]?.headers["baggage"]).toBe("user=7;p=1, b=2");
    const refused = await call("user");
    expect(refused.status).toBe(400);
    expect(refused.headers.get("content-type")).toMatch(/^text\/plain/);
    expect(await refused.text()).toBe('invalid baggage header: no "=" in member "user"\n');
  });
  it("an unsampled parent keeps the whole trace silent, a sampled one makes it heard at any rate", async () => {
    const receiver = await use(otlpHttpReceiver());
    const tracing = otlpHttp(receiver).replace('"1"', '"0.0000001"');
    const { url, runtime } = await use(tracedRuntime([{ tracing }]));
    const read = (key: string, flags: string): Promise<Response> =>
      fetch(`${url("orders")}/v1.0/state/statestore/${key}`, {
        headers: { traceparent: `00-${traceId}-${parentId}-${flags}` },
      });
    expect((await read("quiet", "00")).headers.get("traceparent")).toMatch(/-00$/);
    expect((await read("loud", "01")).headers.get("traceparent")).toMatch(/-01$/);
    await runtime.stop();
    expect(receiver.spans.map(({ name }) => name)).toEqual(["/v1.0/state/statestore/loud"]);
  });
  it("the environment alone turns it on, for all, under its names", async () => {
    const receiver = await use(otlpHttpReceiver());
    const { url, runtime } = await use(
      tracedRuntime([{}], {
        OTEL_EXPORTER_OTLP_ENDPOINT: `http://${receiver.address}/base`,
        OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
        OTEL_EXPORTER_OTLP_HEADERS: "x-key=a%20b",
        OTEL_SERVICE_NAME: "shop",
        OTEL_RESOURCE_ATTRIBUTES: "deployment.environment.name=test,team=a%3Db",
      }),
    );
    await fetch(`${url("orders")}/v1.0/metadata`);
    await runtime.stop();
    expect(receiver.spans).toMatchObject([
      {
        name: "/v1.0/metadata",
        kind: "client",
        parentId: "",
        resource: { "service.name": "shop", "deployment.environment.name": "test", team: "a=b" },
      },
    ]);
    expect(receiver.exports).toMatchObject([
      { ":path": "/base/v1/traces", "content-type": "application/json", "x-key": "a b" },
    ]);
  });
  it("stopping sends what waits", async () => {
    const receiver = await use(otlpGrpcReceiver());
    const { url, runtime } = await use(
      tracedRuntime(
        [
          {
            tracing: `{ samplingRate: "1", otel: { protocol: grpc, endpointAddress: "${receiver.address}", isSecure: false } }`,
          },
        ],
        { OTEL_BSP_SCHEDULE_DELAY: "600000" },
      ),
    );
    await fetch(`${url("orders")}/v1.0/state/statestore/k`);
    expect(receiver.spans).toEqual([]);
    await runtime.stop();
    expect(receiver.spans.map(({ name }) => name)).toEqual(["/v1.0/state/statestore/k"]);
  });
  it.each(["gone", "silent", "refusing"])("a receiver that is %s hurts nobody", async (how) => {
    const receiver = await otlpHttpReceiver();
    if (how === "gone") await receiver[Symbol.asyncDispose]();
    else open.push(receiver);
    if (how === "silent") receiver.hang();
    if (how === "refusing") receiver.refuse(400);
    const { url, runtime, complaints } = await use(
      tracedRuntime([{ tracing: otlpHttp(receiver, ", timeout: 200ms") }]),
    );
    for (let i = 0; i < 20; i++)
      expect((await fetch(`${url("orders")}/v1.0/state/statestore/k`)).status).toBe(204);
    await runtime.stop();
    expect(
      complaints.filter((line) => line.includes("Cannot export spans")).length,
    ).toBeLessThanOrEqual(2);
    expect(complaints[0]).toContain(
      `Cannot export spans to http://${receiver.address}/v1/traces: `,
    );
  });
  it("apps with one gRPC receiver share a connection", async () => {
    const receiver = await use(otlpGrpcReceiver());
    const tracing = `{ samplingRate: "1", otel: { protocol: grpc, endpointAddress: "${receiver.address}", isSecure: false } }`;
    const { url } = await use(
      tracedRuntime([
        { appId: "a", tracing },
        { appId: "b", tracing },
      ]),
    );
    await Promise.all(["a", "b"].map((id) => fetch(`${url(id)}/v1.0/state/statestore/k`)));
    await eventually(() => receiver.spans.length === 2);
    expect(receiver.connections).toBe(1);
    expect(new Set(receiver.spans.map(({ resource }) => resource["service.name"]))).toEqual(
      new Set(["a", "b"]),
    );
  });
});

async function started(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<SidecarProcess> {
  const process = await sidecar({ args, env });
  open.push({ [Symbol.asyncDispose]: async () => void process.child.kill("SIGKILL") });
  await process.healthy();
  return process;
}

interface GrpcApp extends AsyncDisposable {
  readonly port: number;
  readonly seen: ReadonlyArray<Readonly<Record<string, unknown>>>;
}
/** An app that answers every rpc with its own message, and those named Fail with an error. */
async function echoGrpc(): Promise<GrpcApp> {
  const seen: Array<Readonly<Record<string, unknown>>> = [];
  const server = createServer();
  server.on("stream", (stream, headers) => {
    seen.push(headers);
    stream.on("error", () => {});
    stream.resume();
    const failed = headers[":path"] === "/t.T/Fail";
    stream.respond(
      { ":status": 200, "content-type": "application/grpc" },
      { waitForTrailers: true },
    );
    stream.on("wantTrailers", () =>
      stream.sendTrailers(
        failed ? { "grpc-status": "9", "grpc-message": "no way: 50%25" } : { "grpc-status": "0" },
      ),
    );
    stream.end(Buffer.from([0, 0, 0, 0, 0]));
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  return {
    port: (server.address() as AddressInfo).port,
    seen,
    [Symbol.asyncDispose]: async () => void server.close(),
  };
}

/** Calls through the sidecar; resolves with the status when the call has ended. */
async function proxied(
  port: number,
  path: string,
  to: string,
  baggage?: string,
): Promise<string | undefined> {
  const session = connect(`http://127.0.0.1:${port}`);
  const stream = session.request({
    ":method": "POST",
    ":path": path,
    "content-type": "application/grpc",
    te: "trailers",
    "dapr-app-id": to,
    traceparent,
    ...(baggage === undefined ? {} : { baggage }),
  });
  let status: string | undefined;
  const note = (headers: IncomingHttpHeaders): void =>
    void (status = (headers["grpc-status"] as string | undefined) ?? status);
  stream.on("response", note);
  stream.on("trailers", note);
  stream.resume();
  stream.end(Buffer.from([0, 0, 0, 0, 0]));
  await new Promise<void>((done) => stream.once("close", done));
  session.close();
  return status;
}
