import { describe, expect, it } from "vitest";
import type { App } from "#core/kernel/app.ts";
import { configurationGrpc } from "#core/blocks/configuration/grpc.ts";
import { configurationHttp } from "#core/blocks/configuration/http.ts";
import { renderStatus } from "#core/wire/grpc/render-error.ts";
import { fakeApp } from "#test/support/fake-app.ts";
import { api } from "../../api.ts";
import { grpcClient, grpcError } from "../../grpc-call.ts";
import { fakeConfigurationStore } from "./configuration-store.ts";

const items = {
  a: { value: "1", version: "v1", metadata: { by: "me" } },
  b: { value: "2", version: "", metadata: {} },
};
const appWith = (store = fakeConfigurationStore(items)): App =>
  fakeApp({ components: [{ kind: "configuration", name: "settings", port: store.port }] });
const http = (app: App) => api(app, [configurationHttp]);
const grpc = (app: App) => grpcClient(app, {}, [configurationGrpc]);

describe("configuration.get", () => {
  it.each(["v1.0", "v1.0-alpha1"])(
    "answers all items over %s, what is empty left out",
    async (v) => {
      const answer = await http(appWith())(`/${v}/configuration/settings`);
      expect(answer).toMatchObject({
        status: 200,
        text: '{"a":{"value":"1","version":"v1","metadata":{"by":"me"}},"b":{"value":"2"}}\n',
      });
      expect(answer.headers.get("content-type")).toBe("application/json");
    },
  );
  it("asks for the keys that are named, and hands metadata on", async () => {
    const store = fakeConfigurationStore(items);
    const path = "/v1.0/configuration/settings?key=b&metadata.label=x&key=a%20b&key=";
    expect((await http(appWith(store))(path)).text).toBe('{"b":{"value":"2"}}\n');
    expect(store.asked).toEqual([{ keys: ["b", "a b", ""], metadata: { label: "x" } }]);
  });
  it("answers 204 where there is nothing", async () => {
    const answer = await http(appWith())("/v1.0/configuration/settings?key=none");
    expect(answer).toMatchObject({ status: 204, text: "" });
  });
  it("keeps items whose keys mean something to JavaScript", async () => {
    const odd = Object.fromEntries([
      ["__proto__", items.a],
      ["constructor", items.b],
    ]);
    const app = appWith(fakeConfigurationStore(odd));
    expect((await http(app)("/v1.0/configuration/settings")).text).toBe(
      '{"__proto__":{"value":"1","version":"v1","metadata":{"by":"me"}},"constructor":{"value":"2"}}\n',
    );
    const { items: got } = await grpc(app).unary("GetConfiguration", { storeName: "settings" });
    expect(Object.keys(got as object)).toEqual(["__proto__", "constructor"]);
  });
  it.each(["GetConfiguration", "GetConfigurationAlpha1"] as const)("answers %s", async (rpc) => {
    const store = fakeConfigurationStore(items);
    const request = { storeName: "settings", keys: ["a", "b", "c"], metadata: { label: "x" } };
    const answer = await grpc(appWith(store)).unary(rpc, request);
    expect(answer.items).toMatchObject(items);
    expect(Object.keys(answer.items as object)).toEqual(["a", "b"]);
    expect(store.asked).toEqual([{ keys: ["a", "b", "c"], metadata: { label: "x" } }]);
    const nothing = await grpc(appWith(store)).unary(rpc, { storeName: "settings", keys: ["c"] });
    expect(nothing.items).toEqual({});
  });
  it("passes the store's failure on", async () => {
    const store = fakeConfigurationStore();
    store.fail("no connection");
    const message = "failed to get [a b] from Configuration store settings: no connection";
    const answer = await http(appWith(store))("/v1.0/configuration/settings?key=a&key=b");
    expect(answer.status).toBe(500);
    expect(answer.json).toEqual({ errorCode: "ERR_CONFIGURATION_GET", message });
    const request = { storeName: "settings", keys: ["a", "b"] };
    const error = await grpcError(grpc(appWith(store)).unary("GetConfiguration", request));
    expect(renderStatus(error)).toMatchObject({ code: 13, message });
  });
});

describe("configuration stores", () => {
  const calls = ["", "/subscribe", "/some-id/unsubscribe"];
  it.each(calls)("GET %s of a store that is not there", async (path) => {
    const answer = await http(appWith())(`/v1.0/configuration/other${path}`);
    expect(answer.status).toBe(400);
    expect(answer.json).toEqual({
      errorCode: "ERR_CONFIGURATION_STORE_NOT_FOUND",
      message: "configuration store other not found",
    });
  });
  it.each(calls)("GET %s where no store is configured", async (path) => {
    const answer = await http(fakeApp())(`/v1.0/configuration/settings${path}`);
    expect(answer.status).toBe(500);
    expect(answer.json).toEqual({
      errorCode: "ERR_CONFIGURATION_STORE_NOT_CONFIGURED",
      message: "configuration stores not configured",
    });
  });
  it("over gRPC say which error it is in the details", async () => {
    for (const [app, code, message] of [
      [fakeApp(), 9, "configuration stores not configured"],
      [appWith(), 3, "configuration store other not found"],
    ] as const) {
      const request = { storeName: "other" };
      const stream = grpc(app).stream("SubscribeConfiguration", request);
      for (const call of [grpc(app).unary("GetConfiguration", request), stream.next()]) {
        const status = renderStatus(await grpcError(call));
        expect(status).toMatchObject({ code, message });
        expect(new TextDecoder().decode(status.details)).toMatch(
          /ErrorInfo.*ERR_CONFIGURATION_STORE_NOT_/s,
        );
      }
    }
  });
});
