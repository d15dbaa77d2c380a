import { describe, expect, it } from "vitest";
import type { App } from "#core/kernel/app.ts";
import { configurationGrpc } from "#core/blocks/configuration/grpc.ts";
import { configurationHttp } from "#core/blocks/configuration/http.ts";
import { configurationSubscriptions } from "#core/blocks/configuration/subscriptions.ts";
import { renderStatus } from "#core/wire/grpc/render-error.ts";
import { eventually } from "#test/support/eventually.ts";
import { fakeApp, type FakeAppOptions, recordingChannel } from "#test/support/fake-app.ts";
import { fakeClock } from "#test/support/fake-clock.ts";
import { testHost } from "#test/support/host.ts";
import { api } from "../../api.ts";
import { grpcClient, grpcError } from "../../grpc-call.ts";
import { fakeConfigurationStore, type FakeConfigurationStore } from "./configuration-store.ts";

const item = (value: string, version = "") => ({ value, version, metadata: {} });
const path = "/v1.0/configuration/settings";

function setup(
  store: FakeConfigurationStore = fakeConfigurationStore(),
  options: FakeAppOptions = {},
) {
  const channel = recordingChannel();
  const { log, lines } = testHost();
  const clock = fakeClock();
  const app = fakeApp({
    channel,
    owner: { clock, log },
    components: [{ kind: "configuration", name: "settings", port: store.port }],
    ...options,
  });
  const call = api(app, [configurationHttp]);
  const subscribe = async (query = ""): Promise<string> => {
    const answer = await call(`${path}/subscribe${query}`);
    expect(answer.status).toBe(200);
    return answer.json["id"] as string;
  };
  return { app, call, channel, clock, lines, store, subscribe };
}
const grpc = (app: App) => grpcClient(app, {}, [configurationGrpc]);

describe("configuration.subscribe over HTTP", () => {
  it("answers an id, and tells the app once for each key, with the whole update", async () => {
    const { store, channel, subscribe } = setup();
    const id = await subscribe("?key=a&key=b&metadata.label=x");
    expect(id).toMatch(/^[\da-f-]{36}$/);
    expect(store.watches).toMatchObject([{ keys: ["a", "b"], metadata: { label: "x" } }]);
    await store.change({ a: item("1", "v1"), b: item("") });
    const body = `{"id":"${id}","items":{"a":{"value":"1","version":"v1"},"b":{}}}\n`;
    expect(channel.seen).toEqual(
      ["a", "b"].map((key) => ({
        method: "POST",
        path: `/configuration/settings/${key}`,
        headers: { "content-type": "application/json" },
        body,
      })),
    );
  });
  it("sends the app's token and a trace of its own", async () => {
    const { store, channel, subscribe } = setup(undefined, { appToken: "t0ken", samplingRate: 1 });
    await subscribe();
    await store.change({ a: item("1") });
    expect(channel.seen[0]?.headers).toMatchObject({
      "dapr-api-token": "t0ken",
      traceparent: expect.stringMatching(/^00-[\da-f]{32}-[\da-f]{16}-01$/),
    });
  });
  it.each([
    ["plain", "/configuration/settings/plain"],
    ["a/b", "/configuration/settings/a/b"],
    ["a b?c#d%e", "/configuration/settings/a%20b%3Fc%23d%25e"],
    ["../../admin", "/configuration/settings/..%2F..%2Fadmin"],
    ["a//b", "/configuration/settings/a%2F%2Fb"],
    ["Größe", "/configuration/settings/Gr%C3%B6%C3%9Fe"],
  ])("puts the key %s into the path", async (key, expected) => {
    const { store, channel, subscribe } = setup();
    await subscribe();
    await store.change({ [key]: item("1") });
    expect(channel.seen.map((call) => call.path)).toEqual([expected]);
  });
  it.each([
    [
      "answers 500",
      { channel: recordingChannel(() => ({ status: 500, body: "no" })) },
      "answered 500",
    ],
    [
      "cannot be reached",
      {
        channel: recordingChannel(() => {
          throw new Error("refused");
        }),
      },
      "refused",
    ],
  ])("goes on when the app %s", async (_what, options, why) => {
    const { store, lines, subscribe } = setup(undefined, options);
    await subscribe();
    await store.change({ a: item("1"), b: item("2") });
    await store.change({ a: item("3") });
    expect(options.channel.seen).toHaveLength(3);
    expect(lines).toHaveLength(3);
    expect(lines[0]).toMatchObject({ level: "error", message: expect.stringContaining(why) });
    expect(store.watches).toHaveLength(1);
  });
  it("outlives the request that made it, and ends with unsubscribe, once", async () => {
    const { store, call, channel, subscribe } = setup();
    const id = await subscribe();
    expect(await call(`${path}/${id}/unsubscribe`)).toMatchObject({
      status: 200,
      text: '{"ok":true}\n',
    });
    expect(store.watches).toEqual([]);
    await store.change({ a: item("1") });
    expect(channel.seen).toEqual([]);
    const again = await call(`/v1.0-alpha1/configuration/settings/${id}/unsubscribe`);
    expect(again.status).toBe(500);
    expect(again.headers.get("content-type")).toBe("application/json");
    expect(again.text).toBe(
      `{"message":"failed to unsubscribe to configuration request ${id}: subscription with id ${id} does not exist"}\n`,
    );
  });
  it("keeps subscriptions apart: ids, stores and apps", async () => {
    const other = fakeConfigurationStore();
    const mine = fakeConfigurationStore();
    const { call, subscribe } = setup(mine, {
      components: [
        { kind: "configuration", name: "settings", port: mine.port },
        { kind: "configuration", name: "other", port: other.port },
      ],
    });
    const [first, second] = [await subscribe("?key=a"), await subscribe("?key=a")];
    expect(first).not.toBe(second);
    expect((await call(`/v1.0/configuration/other/${first}/unsubscribe`)).status).toBe(500);
    const stranger = setup(mine);
    expect((await stranger.call(`${path}/${first}/unsubscribe`)).status).toBe(500);
    expect(mine.watches).toHaveLength(2);
    expect((await call(`${path}/${first}/unsubscribe`)).status).toBe(200);
    expect(mine.watches).toHaveLength(1);
  });
  it("needs a way to the app", async () => {
    const { store, call } = setup(undefined, { channel: undefined });
    const answer = await call(`${path}/subscribe`);
    expect(answer.status).toBe(500);
    expect(answer.json).toEqual({
      errorCode: "ERR_APP_CHANNEL_NIL",
      message: "app channel is not initialized. cannot subscribe to configuration updates",
    });
    expect(store.watches).toEqual([]);
  });
  it("passes the store's failure on, and leaves nothing behind", async () => {
    const store = fakeConfigurationStore();
    store.fail("no connection");
    const { call, app } = setup(store);
    const answer = await call(`${path}/subscribe?key=a&key=b`);
    const message = "failed to subscribe [a b] from Configuration store settings: no connection";
    expect(answer.status).toBe(500);
    expect(answer.json).toEqual({ errorCode: "ERR_CONFIGURATION_SUBSCRIBE", message });
    const stream = grpc(app).stream("SubscribeConfiguration", {
      storeName: "settings",
      keys: ["a", "b"],
    });
    expect(renderStatus(await grpcError(stream.next()))).toMatchObject({ code: 3, message });
  });
  it("says so where the store cannot report changes", async () => {
    const { watch: _, ...port } = fakeConfigurationStore().port;
    const { call } = setup(undefined, {
      components: [{ kind: "configuration", name: "settings", port }],
    });
    expect((await call(`${path}/subscribe`)).json).toEqual({
      errorCode: "ERR_CONFIGURATION_SUBSCRIBE",
      message:
        "failed to subscribe [] from Configuration store settings: this store does not report changes",
    });
  });
});

describe("configuration.subscribe when the app goes", () => {
  it("ends, waits for calls under way, and refuses new ones", async () => {
    let answer = (): void => {};
    const held = new Promise<object>((resolve) => (answer = () => resolve({})));
    const channel = recordingChannel(() => held);
    const { app, call, clock, store, subscribe } = setup(undefined, { channel });
    await subscribe();
    const stream = grpc(app).stream("SubscribeConfiguration", { storeName: "settings" });
    await stream.next();
    const next = stream.next();
    const changing = store.watches[0]?.changed({ a: item("1") });
    await eventually(() => channel.seen.length === 1);
    let stopped = false;
    const stopping = app
      .part(configurationSubscriptions)
      .stop()
      .then(() => (stopped = true));
    expect(await next).toMatchObject({ done: true });
    expect(store.watches).toEqual([]);
    expect(stopped).toBe(false);
    answer();
    await Promise.all([stopping, changing]);
    expect(clock.sleepers).toBe(0);
    expect((await call(`${path}/subscribe`)).json).toMatchObject({
      errorCode: "ERR_CONFIGURATION_SUBSCRIBE",
      message: expect.stringContaining("the app is stopping"),
    });
  });
  it("waits no longer than 30 s for an app that never answers", async () => {
    const channel = recordingChannel(() => new Promise(() => {}));
    const { app, clock, lines, store, subscribe } = setup(undefined, { channel });
    await subscribe();
    const changing = store.change({ a: item("1") });
    await eventually(() => channel.seen.length === 1);
    const stopping = app.part(configurationSubscriptions).stop();
    await clock.advance(30_000);
    await Promise.all([stopping, changing]);
    expect(lines).toMatchObject([{ level: "error" }]);
  });
});

describe("configuration.stream over gRPC", () => {
  const request = { storeName: "settings", keys: ["a"], metadata: { label: "x" } };

  it.each(["", "Alpha1"] as const)(
    "SubscribeConfiguration%s says its id first, then each update; ends when unsubscribed",
    async (version) => {
      const { app, channel, store } = setup();
      const client = grpc(app);
      const stream = client.stream(`SubscribeConfiguration${version}`, request);
      const { value: first } = await stream.next();
      expect(first).toMatchObject({ id: expect.stringMatching(/^[\da-f-]{36}$/), items: {} });
      expect(store.watches).toMatchObject([{ keys: ["a"], metadata: { label: "x" } }]);
      const changes = [store.change({ a: item("1", "v1") }), store.change({ a: item("") })];
      expect((await stream.next()).value).toMatchObject({
        id: first.id,
        items: { a: { value: "1", version: "v1" } },
      });
      expect((await stream.next()).value).toMatchObject({ items: { a: { value: "" } } });
      const last = stream.next();
      await Promise.all(changes);
      expect(channel.seen).toEqual([]);
      const unsubscribe = (): Promise<object> =>
        // The store's name is not looked at.
        client.unary(`UnsubscribeConfiguration${version}`, { storeName: "nope", id: first.id });
      expect(await unsubscribe()).toMatchObject({ ok: true, message: "" });
      expect(await last).toMatchObject({ done: true });
      expect(store.watches).toEqual([]);
      expect(await unsubscribe()).toMatchObject({
        ok: false,
        message: `failed to unsubscribe to configuration request ${first.id}: subscription does not exist`,
      });
    },
  );
  it("ends when the caller cancels, whatever is under way", async () => {
    const { app, store } = setup();
    const stream = grpc(app).stream("SubscribeConfiguration", request);
    await stream.next();
    const changing = store.change({ a: item("1") });
    await stream.next();
    const waiting = store.change({ a: item("2") });
    await stream.return(undefined);
    await Promise.all([changing, waiting]);
    expect(store.watches).toEqual([]);
  });
  it("waits for a slow caller before the store goes on", async () => {
    const { app, store } = setup();
    const stream = grpc(app).stream("SubscribeConfiguration", request);
    await stream.next();
    let taken = false;
    const changing = store.change({ a: item("1") }).then(() => (taken = true));
    await stream.next();
    expect(taken).toBe(false);
    const next = stream.next();
    await changing;
    void store.change({ a: item("2") });
    expect((await next).value).toMatchObject({ items: { a: { value: "2" } } });
    await stream.return(undefined);
  });
  it("needs no way to the app", async () => {
    const { app } = setup(undefined, { channel: undefined });
    const stream = grpc(app).stream("SubscribeConfiguration", request);
    expect((await stream.next()).value.id).not.toBe("");
    await stream.return(undefined);
  });
  it("can be ended over HTTP, too", async () => {
    const { app, call, store } = setup();
    const stream = grpc(app).stream("SubscribeConfiguration", request);
    const { value } = await stream.next();
    const next = stream.next();
    expect((await call(`${path}/${value.id}/unsubscribe`)).status).toBe(200);
    expect(await next).toMatchObject({ done: true });
    expect(store.watches).toEqual([]);
  });
  it("unsubscribes nothing where no store is configured", async () => {
    const answer = await grpc(fakeApp()).unary("UnsubscribeConfiguration", {
      storeName: "nope",
      id: "x",
    });
    expect(answer).toMatchObject({
      ok: false,
      message: "failed to unsubscribe to configuration request x: subscription does not exist",
    });
  });
});
