import { connect, createServer, type Http2Server } from "node:http2";
import { mkdtempSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer as createTcp } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { frame } from "#targets/node/grpc/frames.ts";
import type { NodeAppOptions, NodeRuntime } from "#targets/node/options.ts";
import { calleeAppId, calleeNamespace } from "#targets/node/peers/wire.ts";
import { startNode } from "#targets/node/start.ts";
import { appServer, type AppServer } from "#test/support/app-server.ts";
import { eventually } from "#test/support/eventually.ts";
import { type ParsedMetric, parseExposition, valueOf } from "#test/support/exposition.ts";
import { freePort } from "#test/support/free-port.ts";
import { wireClient } from "#test/support/grpc-client.ts";
import { inMemoryResources } from "#test/support/in-memory-resources.ts";

type Metrics = ReadonlyMap<string, ParsedMetric>;
const silent = (): void => {};
const log = { debug: silent, info: silent, warn: silent, error: silent };
const component = (name: string, type: string, metadata = "", more = ""): string =>
  `---\napiVersion: dapr.io/v1alpha1\nkind: Component\nmetadata: { name: ${name} }\nspec: { type: ${type}, version: v1, metadata: [${metadata}]${more} }\n`;

function options(appId: string, app: Partial<NodeAppOptions> = {}): NodeAppOptions {
  return {
    appId,
    namespace: "shop",
    appProtocol: "http",
    appChannelAddress: "127.0.0.1",
    appMaxConcurrency: -1,
    httpPort: 0,
    grpcPort: 0,
    listenAddresses: ["127.0.0.1"],
    publicListenAddresses: [],
    metricsPort: 0,
    metricsListenAddresses: ["127.0.0.1"],
    resourcesPaths: [],
    configPaths: [],
    maxBodyBytes: 4 * 1024 * 1024,
    readBufferBytes: 4096,
    gracefulShutdownMs: 1000,
    blockShutdownMs: 0,
    bindingProbeMs: 5000,
    disableInitEndpoints: [],
    apiTokens: [],
    extended: {},
    ...app,
  };
}
const start = (...apps: readonly NodeAppOptions[]): Promise<NodeRuntime> =>
  startNode({ apps, log, env: {}, failOnComponentError: false, shutdown: silent });

function configuration(spec: string): string {
  const file = join(mkdtempSync(join(tmpdir(), "outrigger-metrics-")), "config.yaml");
  writeFileSync(
    file,
    `apiVersion: dapr.io/v1alpha1\nkind: Configuration\nmetadata: {name: c}\nspec: ${spec}\n`,
  );
  return file;
}
async function scrape(port: number, path = "/metrics"): Promise<Metrics> {
  const answer = await fetch(`http://127.0.0.1:${port}${path}`);
  expect(answer.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
  return parseExposition(await answer.text());
}
const counted = (metrics: Metrics, name: string, labels: Record<string, string>, app = "orders") =>
  valueOf(metrics, `dapr_${name}`, { app_id: app, ...labels });

describe("a runtime's metrics after traffic", () => {
  let app: AppServer;
  let runtime: NodeRuntime;
  let api: string;
  let metrics: Metrics;
  let cart: Metrics;

  beforeAll(async () => {
    app = await appServer();
    const resources =
      inMemoryResources +
      component("env", "secretstores.local.env") +
      component("out", "bindings.http", `{ name: url, value: "http://127.0.0.1:${app.port}" }`) +
      component("talk", "conversation.echo") +
      component("missing", "state.nowhere", "", ", ignoreErrors: true");
    const shared = {
      appPort: app.port,
      inlineResources: [{ name: "all.yaml", text: resources }],
    };
    runtime = await start(
      options("orders", {
        ...shared,
        appHealth: { path: "/echo", intervalMs: 1000, timeoutMs: 500, threshold: 1 },
        configPaths: [configuration("{ metrics: { recordErrorCodes: true } }")],
      }),
      options("cart", shared),
    );
    await runtime.ready;
    const ports = runtime.apps.get("orders");
    api = `http://127.0.0.1:${ports?.httpPort}`;
    await eventually(async () => (await fetch(`${api}/v1.0/healthz`)).status === 204);
    const send = (method: string, path: string, body?: unknown): Promise<unknown> =>
      fetch(api + path, {
        method,
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        headers: { "content-type": "application/json" },
      }).then((answer) => answer.text());
    const three = [1, 2, 3].map((value) => ({ key: `k${value}`, value }));
    await send("POST", "/v1.0/state/statestore", three);
    await send("GET", "/v1.0/state/statestore/k1");
    await send("GET", "/v1.0/state/statestore/k2");
    await send("POST", "/v1.0/state/statestore/bulk", { keys: ["k1", "k2"] });
    await send("DELETE", "/v1.0/state/statestore/k1");
    await send("POST", "/v1.0/state/statestore/transaction", { operations: [] });
    await send("POST", "/v1.0-alpha1/state/statestore/query", {});
    await send("GET", "/v1.0/state/nope/key");
    await send("GET", "/v1.0/secrets/env/PATH");
    await send("POST", "/v1.0/publish/pubsub/orders", { id: 1 });
    await send("POST", "/v1.0/publish/bulk/pubsub/batch", [
      { entryId: "1", event: "a", contentType: "text/plain" },
      { entryId: "2", event: "b", contentType: "text/plain" },
    ]);
    await send("POST", "/v1.0/bindings/out", { operation: "get", metadata: { path: "/large" } });
    await send("POST", "/v1.0/bindings/none", { operation: "get" });
    await send("POST", "/v1.0-alpha1/conversation/talk/converse", { inputs: [{ content: "hi" }] });
    await send("POST", "/v1.0-alpha1/subtlecrypto/vault/getkey", { name: "signer", format: 1 });
    await send("POST", "/v1.0/invoke/cart/method/echo", { hello: 1 });
    await send("POST", "/v1.0/invoke/orders/method/echo", { self: 1 });
    await send("GET", "/v1.0/invoke/cart/method/large");
    using client = wireClient(ports?.grpcPort as number);
    await client.unary("GetState", { storeName: "statestore", key: "k2" });
    await client.unary("GetState", { storeName: "nope", key: "k2" });
    const port = ports?.metricsPort as number;
    await eventually(async () => {
      const labels = { component: "pubsub", namespace: "shop", topic: "orders" };
      const done = { ...labels, process_status: "success", status: "success" };
      return counted(await scrape(port), "component_pubsub_ingress_count", done) === 1;
    });
    metrics = await scrape(port);
    cart = await scrape(runtime.apps.get("cart")?.metricsPort as number);
  });
  afterAll(async () => {
    await runtime?.stop();
    await app?.[Symbol.asyncDispose]();
  });

  const store = { component: "statestore", namespace: "shop" };
  const good = { success: "true" };
  const bad = { success: "false" };
  const http = (method: string, path: string, status: string): Record<string, string> => ({
    method,
    path,
    status,
  });
  for (const [name, labels, value] of [
    // Three values saved are one operation, as Dapr counts.
    ["component_state_count", { ...store, operation: "set", ...good }, 1],
    ["component_state_count", { ...store, operation: "get", ...good }, 3],
    ["component_state_latencies_count", { ...store, operation: "get", ...good }, 3],
    ["component_state_count", { ...store, operation: "bulk_get", ...good }, 1],
    ["component_state_count", { ...store, operation: "delete", ...good }, 1],
    ["component_state_count", { ...store, operation: "transaction", ...good }, 1],
    ["component_state_count", { ...store, operation: "query", ...bad }, 1],
    [
      "component_secret_count",
      { component: "env", namespace: "shop", operation: "get", ...good },
      1,
    ],
    [
      "component_pubsub_egress_count",
      { component: "pubsub", namespace: "shop", topic: "orders", ...good },
      1,
    ],
    [
      "component_pubsub_egress_bulk_count",
      { component: "pubsub", namespace: "shop", topic: "batch", ...good },
      1,
    ],
    [
      "component_pubsub_egress_bulk_event_count",
      { component: "pubsub", namespace: "shop", topic: "batch", ...good },
      2,
    ],
    [
      "component_output_binding_count",
      { component: "out", namespace: "shop", operation: "get", ...good },
      1,
    ],
    [
      "component_output_binding_count",
      { component: "none", namespace: "shop", operation: "get", ...bad },
      1,
    ],
    ["component_conversation_count", { component: "talk", namespace: "shop", ...good }, 1],
    [
      "component_crypto_count",
      { component: "vault", namespace: "shop", operation: "get", ...good },
      1,
    ],
    ["runtime_component_init_total", { component: "state.in-memory" }, 1],
    [
      "runtime_component_init_fail_total",
      { component: "state.nowhere", reason: "creation", componentName: "missing" },
      1,
    ],
    ["http_server_request_count", http("GET", "/v1.0/state/statestore", "200"), 2],
    ["http_server_latency_count", http("GET", "/v1.0/state/statestore", "200"), 2],
    ["http_server_response_count", http("GET", "/v1.0/state/statestore", "200"), 2],
    ["http_server_request_count", http("GET", "/v1.0/invoke/cart/method/large", "200"), 1],
    ["http_client_completed_count", http("POST", "/on-order", "200"), 1],
    ["http_client_completed_count", http("GET", "/dapr/subscribe", "200"), 1],
    ["http_client_sent_bytes_count", http("POST", "/echo", ""), 1],
    ["error_code_total", { error_code: "ERR_STATE_STORE_NOT_FOUND", category: "state" }, 2],
    ["error_code_total", { error_code: "ERR_INVOKE_OUTPUT_BINDING", category: "binding" }, 1],
    ["runtime_service_invocation_req_sent_total", { dst_app_id: "cart", type: "unary" }, 2],
    [
      "runtime_service_invocation_res_recv_total",
      { src_app_id: "cart", status: "201", type: "unary" },
      1,
    ],
    [
      "runtime_service_invocation_res_recv_latency_ms_count",
      { src_app_id: "cart", status: "200" },
      1,
    ],
    // A call to oneself is not a call between apps.
    [
      "runtime_service_invocation_req_sent_total",
      { dst_app_id: "orders", type: "unary" },
      undefined,
    ],
    [
      "grpc_io_server_completed_rpcs",
      {
        grpc_server_method: "/dapr.proto.runtime.v1.Dapr/GetState",
        grpc_server_status: "OK",
      },
      1,
    ],
    [
      "grpc_io_server_completed_rpcs",
      {
        grpc_server_method: "/dapr.proto.runtime.v1.Dapr/GetState",
        grpc_server_status: "InvalidArgument",
      },
      1,
    ],
    [
      "grpc_io_server_received_bytes_per_rpc_count",
      { grpc_server_method: "/dapr.proto.runtime.v1.Dapr/GetState" },
      2,
    ],
  ] as const)
    test(`${name} ${JSON.stringify(labels)} is ${value ?? "absent"}`, () => {
      expect(counted(metrics, name, labels)).toBe(value);
    });

  test("a stream counts with all its bytes, once it has ended", () => {
    expect(counted(metrics, "http_server_response_bytes_sum", {})).toBeGreaterThan(300_000);
    expect(counted(cart, "http_client_received_bytes_sum", {}, "cart")).toBeGreaterThan(300_000);
  });
  test("the health of the app is asked for apart from its calls", () => {
    expect(
      counted(metrics, "http_healthprobes_completed_count", { status: "201" }),
    ).toBeGreaterThan(0);
    expect(counted(metrics, "http_client_completed_count", http("GET", "/echo", "201"))).toBe(
      undefined,
    );
  });
  test("the app that was called shows the other end, and nothing of its caller", () => {
    const from = { src_app_id: "orders" };
    expect(counted(cart, "runtime_service_invocation_req_recv_total", from, "cart")).toBe(2);
    expect(
      counted(
        cart,
        "runtime_service_invocation_res_sent_total",
        { dst_app_id: "orders", status: "201" },
        "cart",
      ),
    ).toBe(1);
    for (const { samples } of cart.values())
      for (const { labels } of samples)
        if ("app_id" in labels) expect(labels["app_id"]).toBe("cart");
  });
  test("a call from another process is counted where it arrives", async () => {
    const session = connect(`http://127.0.0.1:${runtime.apps.get("cart")?.internalPort}`);
    const stream = session.request({
      ":method": "GET",
      ":path": "/echo",
      [calleeAppId]: "cart",
      [calleeNamespace]: "shop",
      "dapr-caller-app-id": "far",
    });
    stream.resume();
    await new Promise((resolve) => stream.once("close", resolve));
    session.close();
    const read = await scrape(runtime.apps.get("cart")?.metricsPort as number);
    for (const [name, labels] of [
      ["req_recv_total", { src_app_id: "far" }],
      ["res_sent_total", { dst_app_id: "far", status: "201" }],
    ] as const)
      expect(counted(read, `runtime_service_invocation_${name}`, labels, "cart")).toBe(1);
  });
  test("an app whose Configuration does not ask for error codes has none", () => {
    expect(cart.has("dapr_error_code_total")).toBe(false);
  });
  test("times below a millisecond are counted, with their fraction", () => {
    const labels = {
      component: "statestore",
      namespace: "shop",
      operation: "get",
      success: "true",
    };
    const sum = counted(metrics, "component_state_latencies_sum", labels) ?? 0;
    expect(sum).toBeGreaterThan(0);
    expect(Number.isInteger(sum)).toBe(false);
  });
  test("what the app costs is put down to it", () => {
    const cost = (name: string, labels = {}): number =>
      valueOf(metrics, `outrigger_app_${name}`, { app_id: "orders", ...labels }) ?? Number.NaN;
    expect(cost("cpu_seconds_total")).toBeGreaterThan(0);
    expect(cost("calls_total", { direction: "api" })).toBeGreaterThan(20);
    expect(cost("response_bytes_total", { direction: "api" })).toBeGreaterThan(300_000);
    expect(cost("calls_in_flight", { direction: "api" })).toBe(0);
    expect(cost("calls_in_flight", { direction: "app" })).toBe(0);
  });
  test("every path answers, and shows the process beside the app", async () => {
    const port = runtime.apps.get("orders")?.metricsPort as number;
    for (const path of ["/", "/metrics", "/any/path?x=1"]) {
      const read = await scrape(port, path);
      for (const name of ["process_cpu_seconds_total", "process_resident_memory_bytes"])
        expect(valueOf(read, name, {})).toBeGreaterThan(0);
      expect(read.has("nodejs_eventloop_lag_seconds")).toBe(true);
    }
  });
});

describe("metrics by their settings", () => {
  const use = async (spec: string, run: (api: string, port: number) => Promise<void>) => {
    const runtime = await start(
      options("orders", {
        inlineResources: [{ name: "all.yaml", text: inMemoryResources }],
        configPaths: [configuration(spec)],
      }),
    );
    try {
      const ports = runtime.apps.get("orders");
      const api = `http://127.0.0.1:${ports?.httpPort}`;
      await fetch(`${api}/v1.0/state/statestore/k`);
      await fetch(`${api}/v1.0/metadata`, { method: "PROPFIND" });
      await run(api, ports?.metricsPort as number);
    } finally {
      await runtime.stop();
    }
  };
  const requests = (metrics: Metrics): unknown =>
    metrics
      .get("dapr_http_server_request_count")
      ?.samples.map(({ labels: { method, path } }) => [method, path]);

  test("less cardinality leaves the path out, and the count of answers", () =>
    use("{ metrics: { http: { increasedCardinality: false } } }", async (_, port) => {
      const metrics = await scrape(port);
      expect(requests(metrics)).toEqual([
        ["GET", ""],
        ["UNKNOWN", ""],
      ]);
      expect(metrics.has("dapr_http_server_response_count")).toBe(false);
    }));
  test("patterns take the place of paths", () =>
    use(
      "{ metrics: { http: { increasedCardinality: false, pathMatching: [/v1.0/state/statestore] } } }",
      async (_, port) => {
        expect(requests(await scrape(port))).toEqual([
          ["GET", "/v1.0/state/statestore"],
          ["UNKNOWN", ""],
        ]);
      },
    ));
  test("verbs can be left out", () =>
    use("{ metrics: { http: { excludeVerbs: true } } }", async (_, port) => {
      expect(requests(await scrape(port))).toEqual([
        ["", "/v1.0/state/statestore"],
        ["", "/v1.0/metadata"],
      ]);
    }));
  test("buckets are those of the Configuration", () =>
    use("{ metrics: { latencyDistributionBuckets: [7, 70] } }", async (_, port) => {
      const samples = (await scrape(port)).get("dapr_http_server_latency")?.samples ?? [];
      const bounds = samples.map(({ labels }) => labels["le"]).filter((le) => le !== undefined);
      expect(new Set(bounds)).toEqual(new Set(["7", "70", "+Inf"]));
    }));
  test("a Configuration that turns metrics off leaves no port", () =>
    use("{ metrics: { enabled: false } }", async (_, port) => {
      expect(port).toBeUndefined();
    }));
});

describe("the port of metrics", () => {
  test("apps that name the same one share it", async () => {
    const metricsPort = await freePort();
    const runtime = await start(options("one", { metricsPort }), options("two", { metricsPort }));
    try {
      for (const appId of ["one", "two"])
        await fetch(`http://127.0.0.1:${runtime.apps.get(appId)?.httpPort}/v1.0/healthz`);
      const samples = (await scrape(metricsPort)).get("dapr_http_server_request_count")?.samples;
      expect(samples?.map(({ labels }) => labels["app_id"]).sort()).toEqual(["one", "two"]);
    } finally {
      await runtime.stop();
    }
  });
  test("one that is taken ends the start, with the flag to change", async () => {
    const taken = createTcp();
    await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
    const { port: metricsPort } = taken.address() as AddressInfo;
    await expect(start(options("one", { metricsPort }))).rejects.toThrow(
      /already in use(?: by \S+ \(process \d+\))?; choose another with --metrics-port/,
    );
    taken.close();
  });
  test("text comes packed for those who take it", async () => {
    const runtime = await start(options("one"));
    try {
      const port = runtime.apps.get("one")?.metricsPort as number;
      const answer = await fetch(`http://127.0.0.1:${port}/`, {
        headers: { "accept-encoding": "gzip" },
      });
      expect(answer.headers.get("content-encoding")).toBe("gzip");
      expect(parseExposition(await answer.text()).size).toBeGreaterThan(5);
    } finally {
      await runtime.stop();
    }
  });
});

describe("an app that speaks gRPC", () => {
  let server: Http2Server;
  beforeAll(async () => {
    server = createServer();
    server.on("stream", (stream, headers) => {
      const failing = headers[":path"]?.endsWith("/Fail");
      stream.on("error", () => {});
      stream.resume();
      stream.respond(
        { ":status": 200, "content-type": "application/grpc" },
        { waitForTrailers: true },
      );
      stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": failing ? "5" : "0" }));
      stream.end(frame(Buffer.alloc(0)));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  });
  afterAll(() => void server.close());

  test("is measured by the rpcs that it is called with, and calls that are passed on by their status", async () => {
    const { port: appPort } = server.address() as AddressInfo;
    const runtime = await start(
      options("orders", {
        appPort,
        appProtocol: "grpc",
        inlineResources: [{ name: "all.yaml", text: inMemoryResources }],
        appHealth: { path: "/", intervalMs: 1000, timeoutMs: 500, threshold: 1 },
      }),
      options("caller"),
    );
    try {
      await runtime.ready;
      const caller = runtime.apps.get("caller");
      const client = connect(`http://127.0.0.1:${caller?.grpcPort}`);
      for (const path of ["/t.T/Good", "/t.T/Fail"]) {
        const stream = client.request({
          ":method": "POST",
          ":path": path,
          "content-type": "application/grpc",
          te: "trailers",
          "dapr-app-id": "orders",
        });
        stream.resume();
        stream.end(frame(Buffer.from("x")));
        await new Promise((resolve) => stream.once("close", resolve));
      }
      client.close();
      const read = await eventually(async () => {
        const metrics = await scrape(runtime.apps.get("orders")?.metricsPort as number);
        return metrics.has("dapr_grpc_io_healthprobes_completed_count") && metrics;
      });
      expect(
        counted(read, "grpc_io_healthprobes_completed_count", { grpc_client_status: "OK" }),
      ).toBeGreaterThan(0);
      await eventually(async () => {
        const metrics = await scrape(runtime.apps.get("orders")?.metricsPort as number);
        const listed = {
          grpc_client_method: "/dapr.proto.runtime.v1.AppCallback/ListTopicSubscriptions",
          grpc_client_status: "OK",
        };
        return counted(metrics, "grpc_io_client_completed_rpcs", listed) === 1;
      });
      const own = await eventually(async () => {
        const metrics = await scrape(caller?.metricsPort as number);
        const samples = metrics.get("dapr_grpc_io_server_completed_rpcs")?.samples ?? [];
        return samples.length === 2 && metrics;
      });
      for (const [path, status, number] of [
        ["/t.T/Good", "OK", "0"],
        ["/t.T/Fail", "NotFound", "5"],
      ] as const) {
        const labels = { grpc_server_method: path, grpc_server_status: status };
        expect(counted(own, "grpc_io_server_completed_rpcs", labels, "caller")).toBe(1);
        const taken = { grpc_client_method: path, grpc_client_status: status };
        const sent = { dst_app_id: "caller", status: number };
        await eventually(async () => {
          const callee = await scrape(runtime.apps.get("orders")?.metricsPort as number);
          return (
            counted(callee, "grpc_io_client_completed_rpcs", taken) === 1 &&
            counted(callee, "runtime_service_invocation_res_sent_total", sent) === 1
          );
        });
        const answered = { src_app_id: "orders", status: number, type: "unary" };
        expect(counted(own, "runtime_service_invocation_res_recv_total", answered, "caller")).toBe(
          1,
        );
      }
    } finally {
      await runtime.stop();
    }
  });
});
