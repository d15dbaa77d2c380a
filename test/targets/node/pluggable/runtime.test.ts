import { rm } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { NodeRuntime } from "#targets/node/options.ts";
import { startNode } from "#targets/node/start.ts";
import {
  type ComponentProcess,
  describeWithGo,
  socketsFolder,
  startComponent,
} from "#test/pluggable/component.ts";
import { eventually } from "#test/support/eventually.ts";

const component = (name: string, type: string, metadata: object = {}): string =>
  JSON.stringify({
    apiVersion: "dapr.io/v1alpha1",
    kind: "Component",
    metadata: { name },
    spec: {
      type,
      version: "v1",
      metadata: Object.entries(metadata).map(([key, value]: [string, unknown]) => ({
        name: key,
        value,
      })),
    },
  });
const subscription = JSON.stringify({
  apiVersion: "dapr.io/v2alpha1",
  kind: "Subscription",
  metadata: { name: "sub" },
  spec: { pubsubname: "broker", topic: "orders", routes: { default: "/on-order" } },
});

describeWithGo("a runtime with pluggable components", () => {
  const folder = socketsFolder();
  const seen: Array<{ readonly path: string; readonly body: string }> = [];
  const warnings: string[] = [];
  let peer: ComponentProcess;
  let app: Server;
  let runtime: NodeRuntime;
  beforeAll(async () => {
    peer = await startComponent(folder, "Peer");
    app = createServer((request, response) => {
      let body = "";
      request.setEncoding("utf8").on("data", (chunk: string) => (body += chunk));
      request.on("end", () => {
        const path = request.url ?? "";
        if (request.method === "POST") seen.push({ path, body });
        response.writeHead(path === "/dapr/subscribe" ? 404 : 200);
        response.end(path === "/events" ? `handled ${body}` : "");
      });
    });
    await new Promise<void>((resolve) => app.listen(0, "127.0.0.1", resolve));
    const secretsJSON = JSON.stringify({ "the-key": { "the-key": "s3cret" } });
    const documents = [
      component("vault", "secretstores.peer", { secretsJSON }),
      component("store", "state.peer", { keyPrefix: "none", camelCase: "x" }),
      component("plain", "state.Peer", { plain: "true" }),
      component("broker", "pubsub.peer"),
      component("events", "bindings.peer", { mixedCase: "kept" }),
      subscription,
    ];
    const silent = (): void => {};
    runtime = await startNode({
      apps: [
        {
          appId: "shop",
          namespace: "",
          appPort: (app.address() as AddressInfo).port,
          appProtocol: "http",
          appChannelAddress: "127.0.0.1",
          appMaxConcurrency: -1,
          httpPort: 0,
          grpcPort: 0,
          listenAddresses: ["127.0.0.1"],
          publicListenAddresses: [],
          metricsListenAddresses: [],
          resourcesPaths: [],
          configPaths: [],
          inlineResources: [{ name: "all.yaml", text: documents.join("\n---\n") }],
          maxBodyBytes: 4 * 1024 * 1024,
          readBufferBytes: 4096,
          gracefulShutdownMs: 1000,
          blockShutdownMs: 0,
          bindingProbeMs: 5000,
          disableInitEndpoints: [],
          apiTokens: [],
          extended: {},
        },
      ],
      log: { debug: silent, info: silent, warn: (text) => void warnings.push(text), error: silent },
      env: { DAPR_COMPONENTS_SOCKETS_FOLDER: folder },
      failOnComponentError: true,
      shutdown: silent,
    });
    await runtime.ready;
  }, 60_000);
  afterAll(async () => {
    await runtime?.stop();
    app?.closeAllConnections();
    app?.close();
    await peer?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });
  const call = (path: string, body?: unknown): Promise<Response> =>
    fetch(
      `http://127.0.0.1:${runtime.apps.get("shop")?.httpPort}/v1.0${path}`,
      body === undefined
        ? {}
        : {
            method: "POST",
            headers: { "content-type": "application/json" },
            body: JSON.stringify(body),
          },
    );

  test("lists them with their capabilities, and no setting as unknown", async () => {
    const { components } = (await (await call("/metadata")).json()) as { components: unknown };
    const common = { version: "v1" };
    const capabilities = ["ETAG", "TRANSACTIONAL", "TTL", "QUERY_API", "ACTOR"];
    expect(components).toEqual([
      {
        ...common,
        name: "vault",
        type: "secretstores.peer",
        capabilities: ["MULTIPLE_KEY_VALUES_PER_SECRET"],
      },
      { ...common, name: "store", type: "state.peer", capabilities },
      { ...common, name: "plain", type: "state.Peer", capabilities: ["QUERY_API"] },
      { ...common, name: "broker", type: "pubsub.peer", capabilities: ["BULK_PUBSUB"] },
      {
        ...common,
        name: "events",
        type: "bindings.peer",
        capabilities: ["INPUT_BINDING", "OUTPUT_BINDING"],
      },
    ]);
    expect(warnings.filter((text) => text.includes("unknown"))).toEqual([]);
  });
  test("keeps state in them, etags and transactions included", async () => {
    const saved = await call("/state/store", [
      { key: "a", value: { n: 1 } },
      { key: "b", value: "two" },
    ]);
    expect(saved.status).toBe(204);
    const read = await call("/state/store/a");
    expect(await read.json()).toEqual({ n: 1 });
    const stale = await call("/state/store", [{ key: "a", value: 2, etag: "4711000" }]);
    expect([stale.status, await stale.json()]).toEqual([
      409,
      {
        errorCode: "ERR_STATE_SAVE",
        message:
          "failed saving state in state store store: possible etag mismatch. error from state store: the key has another etag",
      },
    ]);
    const bad = await call("/state/store", [{ key: "a", value: 2, etag: "x" }, { key: "c" }]);
    expect(bad.status).toBe(400);
    const transaction = { operations: [{ operation: "delete", request: { key: "a" } }] };
    expect((await call("/state/store/transaction", transaction)).status).toBe(204);
    expect((await call("/state/store/a")).status).toBe(204);
    expect((await call("/state/plain/transaction", transaction)).status).toBe(500);
    const bulk = await call("/state/store/bulk", { keys: ["b", "a"] });
    expect(await bulk.json()).toMatchObject([{ key: "b", data: "two" }, { key: "a" }]);
  });
  test("publishes to them and delivers from them", async () => {
    expect((await call("/publish/broker/orders", { id: 1 })).status).toBe(204);
    const event = await eventually(() => seen.find(({ path }) => path === "/on-order"));
    expect(JSON.parse(event.body)).toMatchObject({ data: { id: 1 }, topic: "orders" });
  });
  test("sends to bindings and takes their events, with answers", async () => {
    const settings = await call("/bindings/events", { operation: "settings" });
    expect(await settings.text()).toBe("events");
    expect(settings.headers.get("metadata.mixedCase")).toBe("kept");
    const emitted = await call("/bindings/events", { operation: "emit", data: "tick" });
    expect(emitted.ok).toBe(true);
    await eventually(() => seen.some(({ path }) => path === "/events"));
    await eventually(async () => {
      const answers = await call("/bindings/events", { operation: "answers" });
      return (await answers.text()).includes("handled");
    });
    const failed = await call("/bindings/events", { operation: "fail" });
    expect(await failed.json()).toEqual({
      errorCode: "ERR_INVOKE_OUTPUT_BINDING",
      message:
        "error invoking output binding events: rpc error: code = Internal desc = asked to fail",
    });
  });
  test("reads secrets from them", async () => {
    expect(await (await call("/secrets/vault/the-key")).json()).toEqual({ "the-key": "s3cret" });
    expect((await call("/secrets/vault/bulk")).status).toBe(200);
  });
});
