import { describe, expect, it } from "vitest";
import * as environment from "#components/environment/manifest.ts";
import { pubsub as memoryPubsub, state as memoryState } from "#components/in-memory/manifest.ts";
import { state as sqliteState } from "#components/sqlite/manifest.ts";
import type { AppInstance } from "#core/hosting/app-instance.ts";
import { defineComponent } from "#core/ports/manifest.ts";
import type { Ack, Deliver, Message, PubSub } from "#core/ports/pub-sub.ts";
import type { StateOp, StateStore } from "#core/ports/state-store.ts";
import { mergeConfigurations } from "#core/resources/configuration.ts";
import { parseDocuments } from "#core/resources/parse.ts";
import { createRuntime, type Runtime } from "#core/hosting/runtime.ts";
import { startOutboxes } from "#core/blocks/state/outbox-delivery.ts";
import { outboxSettings } from "#core/blocks/state/outbox.ts";
import { fakeApp, recordingChannel, type RecordingChannel } from "#test/support/fake-app.ts";
import { fakeClock, type FakeClock } from "#test/support/fake-clock.ts";
import { silent } from "../../api.ts";

type Fields = Record<string, unknown>;

const subscription = `
apiVersion: dapr.io/v2alpha1
kind: Subscription
metadata: { name: s }
spec: { pubsubname: bus, topic: orders, routes: { default: /on-order } }
`;
const bus = (metadata = ""): string => `
apiVersion: dapr.io/v1alpha1
kind: Component
metadata: { name: bus }
spec: { type: pubsub.in-memory, version: v1, metadata: [${metadata}] }
`;
const store = (type: string, metadata = "", auth = ""): string => `
apiVersion: dapr.io/v1alpha1
kind: Component
metadata: { name: store }
${auth}
spec:
  type: ${type}
  version: v1
  metadata:
    - { name: outboxPublishPubsub, value: bus }
    - { name: outboxPublishTopic, value: orders }
${metadata}
`;

/** Keeps what transactions were made of. */
const applied: StateOp[][] = [];
const probe = defineComponent({
  ...memoryState,
  type: "state.probe",
  open: async (spec, host): Promise<StateStore> => {
    const port = await memoryState.open(spec, host);
    return {
      ...port,
      transact: async (ops, options) => {
        applied.push([...ops]);
        await port.transact?.(ops, options);
      },
    };
  },
});

interface World extends AsyncDisposable {
  readonly clock: FakeClock;
  readonly channel: RecordingChannel;
  readonly hosted: AppInstance;
  transact(...operations: object[]): Promise<{ readonly status: number; readonly json: Fields }>;
  /** The same, as JSON text. */
  send(operations: string): Promise<{ readonly status: number; readonly json: Fields }>;
  /** The events that the app has got. */
  events(): Fields[];
  get(key: string): Promise<string>;
}

async function world(
  documents: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<World> {
  const clock = fakeClock();
  const channel = recordingChannel(({ path }) =>
    path === "/dapr/subscribe" || path === "/dapr/config" ? { status: 404 } : {},
  );
  const runtime: Runtime = createRuntime({
    platform: {
      clock,
      log: silent,
      fetch: () => Promise.reject(new Error("no network here")),
      env,
      host: { address: "10.0.0.1", name: "host" },
      binding: () => undefined,
      background: () => {},
    },
    target: "node",
    manifests: [memoryState, memoryPubsub, sqliteState, probe, ...Object.values(environment)],
  });
  const hosted = await runtime.addApp({
    appId: "shop",
    namespace: "ns",
    channel,
    resources: parseDocuments(documents.join("\n---\n"), "test.yaml").documents,
    configuration: mergeConfigurations([]),
    apiTokens: [],
    limits: { maxBodyBytes: 1 << 20 },
    extended: {},
    failOnComponentError: true,
    bindingProbeMs: 100,
    disableInitEndpoints: [],
    shutdown: () => {},
  });
  await hosted.start();
  const { app } = hosted;
  const call = (path: string, init?: RequestInit): Response | Promise<Response> =>
    runtime.fetch(new Request(`http://localhost/v1.0/state/store${path}`, init), { app });
  const send: World["send"] = async (operations) => {
    const body = `{"operations":${operations}}`;
    const response = await call("/transaction", { method: "POST", body });
    const text = await response.text();
    return { status: response.status, json: (text === "" ? {} : JSON.parse(text)) as Fields };
  };
  return {
    clock,
    channel,
    hosted,
    transact: (...operations) => send(JSON.stringify(operations)),
    send,
    events: () => channel.to("/on-order").map(({ body }) => JSON.parse(body) as Fields),
    get: async (key) => (await call(`/${key}`)).text(),
    [Symbol.asyncDispose]: () => runtime[Symbol.asyncDispose](),
  };
}
const upsert = (key: string, value: unknown, metadata: object = {}): object => ({
  operation: "upsert",
  request: { key, value, metadata },
});
const sqlite = store("state.sqlite", '    - { name: connectionString, value: ":memory:" }');

describe("a transaction with an outbox", () => {
  it.each([
    ["in-memory", store("state.in-memory")],
    ["sqlite", sqlite],
  ])("publishes each upsert once it is committed, over %s", async (_, document) => {
    await using of = await world([document, bus(), subscription]);
    const operations = [
      upsert("1", "one"),
      upsert("2", { two: 2 }),
      { operation: "delete", request: { key: "3" } },
    ];
    expect((await of.transact(...operations)).status).toBe(204);
    expect(await of.get("1")).toBe('"one"');
    await of.clock.advance(999);
    expect(of.events()).toEqual([]);
    await of.clock.advance(1);
    const [first, second, ...rest] = of.events();
    expect(rest).toEqual([]);
    expect(first).toEqual({
      data: "one",
      datacontenttype: "text/plain",
      id: expect.stringMatching(/^outbox-[\da-f-]{36}$/),
      pubsubname: "bus",
      source: "shop",
      specversion: "1.0",
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
      topic: "orders",
      traceid: expect.any(String),
      traceparent: expect.any(String),
      tracestate: "",
      type: "com.dapr.event.sent",
    });
    expect(second).toMatchObject({ data: '{"two":2}', datacontenttype: "text/plain" });
    // The markers are gone: the same event, once more, would find none.
    await of.clock.advance(120_000);
    expect(of.events()).toHaveLength(2);
  });
  it("puts a marker for each upsert into the transaction itself", async () => {
    applied.length = 0;
    await using of = await world([store("state.probe"), bus(), subscription]);
    await of.transact(upsert("1", 1), upsert("2", 2));
    expect(applied).toHaveLength(1);
    expect(applied[0]?.map(({ key }) => key)).toEqual([
      "shop||1",
      "shop||2",
      expect.stringMatching(/^outbox-/),
      expect.stringMatching(/^outbox-/),
    ]);
    expect(applied[0]?.at(-1)).toMatchObject({ op: "put", value: '"0"', metadata: {} });
  });
  it("publishes nothing of a transaction that is rolled back", async () => {
    await using of = await world([sqlite, bus(), subscription]);
    const refused = await of.transact(upsert("1", 1), {
      operation: "upsert",
      request: { key: "2", value: 2, etag: "00000000-0000-0000-0000-000000000000" },
    });
    expect(refused.status).toBe(500);
    expect(refused.json["errorCode"]).toBe("ERR_STATE_TRANSACTION");
    await of.clock.advance(300_000);
    expect(of.events()).toEqual([]);
    expect(await of.get("1")).toBe("");
  });
  it("takes the projection's value for the event, and the other for the store", async () => {
    await using of = await world([store("state.in-memory"), bus(), subscription]);
    const projection = { "outbox.projection": "True", contentType: "application/json" };
    await of.transact(upsert("1", { slim: true }, projection), upsert("1", { whole: [1, 2] }));
    expect(await of.get("1")).toBe('{"whole":[1,2]}');
    await of.clock.advance(1000);
    expect(of.events()).toMatchObject([
      { data: { slim: true }, datacontenttype: "application/json" },
    ]);
  });
  it("stores and publishes nothing where there are projections only", async () => {
    await using of = await world([store("state.in-memory"), bus(), subscription]);
    const answer = await of.transact(upsert("1", 1, { "outbox.projection": "yes" }));
    expect(answer.status).toBe(204);
    expect(await of.get("1")).toBe("");
    await of.clock.advance(20_000);
    expect(of.events()).toEqual([]);
  });
  it("puts the change's metadata into the event, but for its payload and its id", async () => {
    await using of = await world([store("state.in-memory"), bus(), subscription]);
    await of.transact(
      upsert("1", "v", {
        "cloudevent.type": "order.created",
        "CloudEvent.Source": "web",
        "cloudevent.id": "mine",
        "cloudevent.data": "other",
        subject: "4711",
        "outbox.cloudevent.myapp": "myapp1",
        data: "a",
        id: "b",
        ttlInSeconds: "60",
      }),
    );
    await of.clock.advance(1000);
    expect(of.events()).toMatchObject([
      {
        type: "order.created",
        source: "web",
        subject: "4711",
        data: "v",
        id: expect.stringMatching(/^outbox-/),
        "outbox.cloudevent.myapp": "myapp1",
        "cloudevent.type": "order.created",
        ttlInSeconds: "60",
      },
    ]);
  });
  it("keeps the digits of large numbers", async () => {
    await using of = await world([store("state.in-memory"), bus(), subscription]);
    const request =
      '{"key":"1","value":12345678901234567890,"metadata":{"contentType":"application/json"}}';
    await of.send(`[{"operation":"upsert","request":${request}}]`);
    await of.clock.advance(1000);
    const [seen] = of.channel.to("/on-order");
    expect(seen?.body).toContain('"data":12345678901234567890,');
  });
  it("refuses with ERR_PUBLISH_OUTBOX, and writes nothing, when an event cannot be put by", async () => {
    const scopes = '{ name: publishingScopes, value: "shop=orders" }';
    await using of = await world([store("state.in-memory"), bus(scopes), subscription]);
    const answer = await of.transact(upsert("1", 1));
    expect(answer.status).toBe(500);
    const error = "topic nsshopordersoutbox is not allowed for app id shop";
    expect(answer.json).toEqual({
      errorCode: "ERR_PUBLISH_OUTBOX",
      message: `error while publishing outbox message: ${error}`,
      details: [
        {
          "@type": "type.googleapis.com/google.rpc.ErrorInfo",
          domain: "dapr.io",
          reason: "DAPR_PUBSUB_OUTBOX",
          metadata: { appID: "shop", error },
        },
      ],
    });
    expect(await of.get("1")).toBe("");
    await using without = await world([store("state.in-memory")]);
    expect((await without.transact(upsert("1", 1))).json["message"]).toContain(
      "pubsub 'bus' not found",
    );
  });
  it("waits on one broker and publishes on another", async () => {
    const document = store("state.in-memory", "    - { name: outboxPubsub, value: waiting }");
    const waiting = bus().replace("name: bus", "name: waiting");
    await using of = await world([document, bus(), waiting, subscription]);
    await of.transact(upsert("1", 1));
    await of.clock.advance(1000);
    expect(of.events()).toMatchObject([{ data: "1", pubsubname: "bus", topic: "orders" }]);
  });
  it("publishes what an encrypted store keeps: nobody else sees the value", async () => {
    const key = "ab".repeat(16);
    const document = store(
      "state.in-memory",
      "    - { name: primaryEncryptionKey, secretKeyRef: { name: KEY, key: KEY } }",
      "auth: { secretStore: env }",
    );
    const secrets = `
apiVersion: dapr.io/v1alpha1
kind: Component
metadata: { name: env }
spec: { type: secretstores.local.env, version: v1, metadata: [] }
`;
    await using of = await world([secrets, document, bus(), subscription], { KEY: key });
    await of.transact(upsert("1", "secret"));
    expect(await of.get("1")).toBe("secret");
    await of.clock.advance(1000);
    expect(of.events()).toMatchObject([{ data: expect.stringMatching(/^[\w+/=]+\|\|KEY$/) }]);
  });
  it("does not concern other writes, nor stores without the two names", async () => {
    await using of = await world([store("state.in-memory"), bus(), subscription]);
    const { app } = of.hosted;
    const port = app.component("state", "store")?.port;
    const signal = new AbortController().signal;
    await port?.write({ op: "put", key: "shop||a", value: "1", metadata: {} }, { signal });
    await of.clock.advance(20_000);
    expect(of.events()).toEqual([]);
    expect(outboxSettings({ outboxpublishpubsub: "bus" })).toBeUndefined();
    expect(outboxSettings({ outboxpublishtopic: "t" })).toBeUndefined();
    expect(outboxSettings({})).toBeUndefined();
  });
});

/** A broker in a test's hands: what is delivered, and what is answered. */
function handBroker(refuse = 0): {
  readonly port: PubSub;
  readonly published: Array<[string, Message]>;
  deliver?: Deliver;
  topic?: string;
} {
  let refusals = refuse;
  const broker: ReturnType<typeof handBroker> = {
    published: [],
    port: {
      features: [],
      publish: async (topic, messages) => {
        for (const message of messages) broker.published.push([topic, message]);
        return messages.map(() => undefined);
      },
      subscribe: async ({ topic }, deliver) => {
        if (refusals-- > 0) throw new Error("not yet");
        broker.topic = topic;
        broker.deliver = deliver;
      },
      [Symbol.asyncDispose]: async () => {},
    },
  };
  return broker;
}

describe("the running side", () => {
  async function started(discardWhenMissing = false, refuse = 0) {
    const clock = fakeClock();
    const broker = handBroker(refuse);
    const port = await memoryState.open({ name: "s", namespace: "", metadata: {} }, {
      clock,
    } as never);
    const settings = { pubsub: "bus", topic: "orders", internalPubsub: "bus", discardWhenMissing };
    const app = fakeApp({
      appId: "shop",
      components: [{ kind: "pubsub", name: "bus", port: broker.port }],
    });
    const outbox = { store: "store", settings, port, cipher: undefined };
    const loaded = {
      name: "store",
      type: "state.x",
      version: "v1",
      port,
      metadata: {},
      keyPrefix: "",
      outbox,
    };
    const running = await startOutboxes(app, [loaded], { clock, log: silent });
    const event = (id: string): Message => ({
      data: JSON.stringify({ id, data: "x" }),
      metadata: {},
    });
    const deliver = (...messages: Message[]): Promise<readonly Ack[]> =>
      broker.deliver?.(messages, { signal: new AbortController().signal }) ?? Promise.resolve([]);
    const mark = (key: string): Promise<void> =>
      port.write(
        { op: "put", key, value: '"0"', metadata: {} },
        { signal: new AbortController().signal },
      );
    return { clock, broker, running, event, deliver, mark };
  }

  it("looks for the marker after 1, 1.5, 3, 6 and 9 seconds, then leaves the event to the broker", async () => {
    const { clock, broker, event, deliver, mark, running } = await started();
    for (const [index, after] of [1000, 1500, 3000, 6000, 9000].entries()) {
      const id = `outbox-${index}`;
      const ack = deliver(event(id));
      await clock.advance(after - 1);
      await mark(id);
      expect(broker.published).toHaveLength(index);
      await clock.advance(1);
      expect(await ack).toEqual(["done"]);
      expect(broker.published).toHaveLength(index + 1);
    }
    const never = deliver(event("outbox-never"));
    await clock.advance(9000);
    expect(await never).toEqual(["retry"]);
    expect(clock.sleepers).toBe(0);
    await running.stop();
  });
  it("drops it then, where the store says so", async () => {
    const { clock, event, deliver, running } = await started(true);
    const never = deliver(event("outbox-never"));
    await clock.advance(9000);
    expect(await never).toEqual(["drop"]);
    await running.stop();
  });
  it("drops what is not an event of an outbox", async () => {
    const { deliver, running } = await started();
    const bad = ["", "[]", "{}", '{"id":1}', '{"id":""}', "\u0000"];
    expect(await deliver(...bad.map((data) => ({ data, metadata: {} })))).toEqual(
      bad.map(() => "drop"),
    );
    await running.stop();
  });
  it("waits for many side by side", async () => {
    const { clock, broker, event, deliver, mark, running } = await started();
    const ids = Array.from({ length: 100 }, (_, i) => `outbox-${i}`);
    const acks = deliver(...ids.map(event));
    await Promise.all(ids.map(mark));
    await clock.advance(1000);
    expect(new Set(await acks)).toEqual(new Set(["done"]));
    expect(broker.published).toHaveLength(100);
    await running.stop();
  });
  it("looks once more when it stops: what is committed goes out, the rest stays with the broker", async () => {
    const { clock, broker, event, deliver, mark, running } = await started(true);
    await mark("outbox-there");
    const acks = deliver(event("outbox-there"), event("outbox-missing"));
    await clock.advance(10);
    await running.stop();
    expect(await acks).toEqual(["done", "retry"]);
    expect(broker.published.map(([topic]) => topic)).toEqual(["orders"]);
    expect(clock.sleepers).toBe(0);
  });
  it("subscribes in the background where the broker is not ready, and gives up when it stops", async () => {
    const late = await started(false, 2);
    expect(late.broker.topic).toBeUndefined();
    await late.clock.advance(2000);
    expect(late.broker.topic).toBe("defaultshopordersoutbox");
    await late.running.stop();
    const never = await started(false, 1000);
    await never.running.stop();
    expect(never.clock.sleepers).toBe(0);
  });
});
