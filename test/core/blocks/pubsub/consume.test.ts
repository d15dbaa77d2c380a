import { subscribed } from "#test/support/fake-app.ts";
import type { FakeAppOptions } from "#test/support/fake-app.ts";
import { describe, expect, it } from "vitest";
import { type ConsumeDeps, startSubscriptions } from "#core/blocks/pubsub/consume.ts";
import { deliverTo } from "#core/blocks/pubsub/deliver-to.ts";
import type { DeclaredSubscription } from "#core/resources/declared-subscription.ts";
import { eventually } from "#test/support/eventually.ts";
import {
  type FakeAnswer,
  fakeApp,
  type FakeComponent,
  recordingChannel,
  type SeenCall,
} from "#test/support/fake-app.ts";
import { fakeClock } from "#test/support/fake-clock.ts";
import { testLog, testPubSub } from "./support.ts";

const never = new AbortController().signal;
const message = { data: "{}", metadata: {} };

function declare(topic: string, given: Partial<DeclaredSubscription> = {}): DeclaredSubscription {
  return {
    name: topic,
    pubsubname: "ps",
    topic,
    routes: { rules: [], default: `/${topic}` },
    metadata: {},
    ...given,
  };
}
/** An app that answers `GET /dapr/subscribe` with the list, and everything else with success. */
function asks(list: unknown): (call: SeenCall) => FakeAnswer {
  return ({ method }) => (method === "GET" ? { body: list } : {});
}

async function setUp({
  answer = asks([]),
  declared = [],
  broker = testPubSub(),
  deps = {},
  loadedAs = {},
  signal = never,
  ...more
}: FakeAppOptions & {
  readonly answer?: (call: SeenCall) => FakeAnswer | Promise<FakeAnswer>;
  readonly declared?: readonly DeclaredSubscription[];
  readonly broker?: ReturnType<typeof testPubSub>;
  readonly deps?: Partial<ConsumeDeps>;
  readonly loadedAs?: Partial<FakeComponent<"pubsub">>;
  readonly signal?: AbortSignal;
} = {}) {
  const channel = recordingChannel(answer);
  const app = fakeApp({
    channel,
    components: [{ kind: "pubsub", name: "ps", port: broker, ...loadedAs }],
    ...more,
  });
  const clock = fakeClock();
  const log = testLog();
  const starting = startSubscriptions(app, declared, { clock, log, ...deps }, { signal });
  return { broker, channel, app, clock, log, starting };
}
const topics = (broker: ReturnType<typeof testPubSub>): readonly string[] =>
  broker.subscribed.map(({ topic }) => topic);

describe("startSubscriptions", () => {
  it("asks the app as Dapr does", async () => {
    const { channel, starting } = await setUp({ appToken: "secret" });
    await starting;
    expect(channel.seen).toEqual([
      {
        method: "GET",
        path: "/dapr/subscribe",
        headers: {
          "content-type": "application/json",
          "dapr-app-id": "app",
          "dapr-api-token": "secret",
        },
        body: "",
      },
    ]);
  });

  it("shows documents first, then what the app asked for, as metadata lists them", async () => {
    const { starting } = await setUp({
      declared: [
        declare("declared", {
          routes: { rules: [{ match: 'event.type == "big"', path: "/big" }], default: "/small" },
          deadLetterTopic: "dead",
        }),
        declare("dead"),
      ],
      answer: asks([
        { pubsubname: "ps", topic: "prog", route: "/prog" },
        { pubsubName: "ps", topic: "raw", route: "/raw", metadata: { rawPayload: true } },
        { pubsubname: "ps", topic: "drop", route: "drop" },
        {
          pubsubname: "ps",
          topic: "v2",
          routes: { rules: [{ match: " event.a == 1 ", path: "/a" }], default: "/d" },
          route: "/old",
        },
      ]),
    });
    const { views } = await starting;
    expect(JSON.parse(JSON.stringify(views))).toEqual([
      {
        pubsubname: "ps",
        topic: "declared",
        rules: [{ match: 'event.type == "big"', path: "/big" }, { path: "/small" }],
        deadLetterTopic: "dead",
        type: "DECLARATIVE",
      },
      {
        pubsubname: "ps",
        topic: "dead",
        rules: [{ path: "/dead" }],
        deadLetterTopic: "",
        type: "DECLARATIVE",
      },
      {
        pubsubname: "ps",
        topic: "prog",
        rules: [{ path: "/prog" }],
        deadLetterTopic: "",
        type: "PROGRAMMATIC",
      },
      {
        pubsubname: "ps",
        topic: "raw",
        metadata: { rawPayload: "true" },
        rules: [{ path: "/raw" }],
        deadLetterTopic: "",
        type: "PROGRAMMATIC",
      },
      {
        pubsubname: "ps",
        topic: "drop",
        rules: [{ path: "drop" }],
        deadLetterTopic: "",
        type: "PROGRAMMATIC",
      },
      {
        pubsubname: "ps",
        topic: "v2",
        rules: [{ match: "event.a == 1", path: "/a" }, { path: "/d" }],
        deadLetterTopic: "",
        type: "PROGRAMMATIC",
      },
    ]);
  });

  it("keeps one subscription for each topic: the first document, or what the app asks for in its place", async () => {
    const { starting, broker } = await setUp({
      declared: [
        declare("a"),
        declare("b"),
        declare("b", { name: "again", routes: { rules: [], default: "/again" } }),
      ],
      answer: asks([{ pubsubname: "ps", topic: "a", route: "/mine" }]),
    });
    const { views } = await starting;
    expect(views.map(({ topic, rules, type }) => [topic, rules[0]?.path, type])).toEqual([
      ["a", "/mine", "PROGRAMMATIC"],
      ["b", "/b", "DECLARATIVE"],
    ]);
    expect(topics(broker)).toEqual(["a", "b"]);
  });

  it("leaves out entries without a route, a topic or a component, with a warning", async () => {
    const { starting, log } = await setUp({
      answer: asks([
        { pubsubname: "ps", topic: "t" },
        { pubsubname: "ps", route: "/x" },
        { topic: "t", route: "/x" },
        5,
      ]),
    });
    expect((await starting).views).toEqual([]);
    expect(log.lines.map(([level]) => level)).toEqual(["warn", "warn", "warn", "warn", "debug"]);
  });

  it.each([
    ["nothing", { body: "" }, 0],
    ["404", { status: 404 }, 0],
    ["null", { body: "null" }, 0],
    ["500", { status: 500 }, 1],
    ["no JSON", { body: "<html>" }, 1],
    ["no list", { body: { a: 1 } }, 1],
    ["more than 1 MiB", { body: new Uint8Array(1_048_577).fill(32) }, 1],
  ])("goes on with the documents when the app answers %s", async (_, answer, errors) => {
    const { starting, broker, log } = await setUp({
      declared: [declare("a")],
      answer: () => answer as FakeAnswer,
    });
    await starting;
    expect(topics(broker)).toEqual(["a"]);
    expect(log.lines.filter(([level]) => level === "error").length).toBe(errors);
  });

  it("asks an app that cannot be reached three more times, then goes on without", async () => {
    const { starting, clock, broker, channel, log } = await setUp({
      declared: [declare("a")],
      answer: () => {
        throw new Error("connection refused");
      },
    });
    await clock.advance(2249);
    expect(channel.seen.length).toBe(3);
    await clock.advance(1);
    await starting;
    expect(channel.seen.length).toBe(4);
    expect(topics(broker)).toEqual(["a"]);
    expect(log.lines).toContainEqual(["error", expect.stringContaining("connection refused")]);
  });

  it("does not ask an app that wants not to be asked, has no channel or no pub/sub", async () => {
    const off = await setUp({ deps: { programmatic: false } });
    await off.starting;
    expect(off.channel.seen).toEqual([]);
    const none = recordingChannel();
    await startSubscriptions(
      fakeApp({ channel: none }),
      [],
      { clock: fakeClock(), log: testLog() },
      { signal: never },
    );
    expect(none.seen).toEqual([]);
    const deaf = await setUp({ channel: undefined, declared: [declare("a")] });
    expect((await deaf.starting).views.length).toBe(1);
    expect(topics(deaf.broker)).toEqual([]);
  });

  it("hands the broker the consumer id, the metadata and, where asked for, the batch", async () => {
    const { starting, broker } = await setUp({
      loadedAs: { metadata: { consumerid: " team " } },
      declared: [
        declare("a", { metadata: { k: "v" } }),
        declare("b", {
          bulkSubscribe: { enabled: true, maxMessagesCount: 5, maxAwaitDurationMs: 10 },
        }),
        declare("c", { bulkSubscribe: { enabled: false } }),
      ],
    });
    await starting;
    expect(broker.subscribed).toEqual([
      { topic: "a", consumerId: "team", metadata: { k: "v" } },
      {
        topic: "b",
        consumerId: "team",
        metadata: {},
        bulk: { maxMessagesCount: 5, maxAwaitDurationMs: 10 },
      },
      { topic: "c", consumerId: "team", metadata: {} },
    ]);
    const plain = await setUp({ declared: [declare("a")] });
    await plain.starting;
    expect(plain.broker.subscribed[0]?.consumerId).toBe("app");
  });

  it("starts the others when one cannot start", async () => {
    const { starting, broker, log } = await setUp({
      loadedAs: { metadata: { allowedtopics: "good,raw" } },
      declared: [
        declare("gone", { pubsubname: "nope" }),
        declare("bad", { routes: { rules: [{ match: "event.type ==", path: "/x" }] } }),
        declare("forbidden"),
        declare("raw", { metadata: { rawPayload: "maybe" } }),
        declare("good"),
      ],
    });
    const { views } = await starting;
    expect(topics(broker)).toEqual(["good"]);
    expect(views.map(({ topic }) => topic)).toEqual(["gone", "forbidden", "raw", "good"]);
    const words = log.lines.map(([, text]) => text).join("\n");
    expect(words).toContain("nope is not loaded");
    expect(words).toContain("subscription to topic 'forbidden' on pubsub 'ps' is not allowed");
    expect(words).toContain("rawPayload value must be a valid boolean");
    expect(words).toContain("routes are wrong");
  });

  it("goes on trying in the background when the broker refuses", async () => {
    let refusals = 2;
    const broker = testPubSub({
      refuse: ({ topic }) =>
        topic === "bad" && refusals-- > 0 ? new Error("broker is down") : undefined,
    });
    const { starting, clock, log } = await setUp({
      broker,
      declared: [declare("bad"), declare("good")],
    });
    const { stop } = await starting;
    expect(topics(broker)).toEqual(["good"]);
    await clock.advance(500);
    expect(topics(broker)).toEqual(["good"]);
    await clock.advance(750);
    expect(topics(broker)).toEqual(["good", "bad"]);
    expect(log.lines.filter(([, text]) => text.includes("broker is down")).length).toBe(2);
    await stop();
  });

  it("gives up trying when it stops", async () => {
    const broker = testPubSub({ refuse: () => new Error("broker is down") });
    const { starting, clock } = await setUp({ broker, declared: [declare("bad")] });
    await (await starting).stop();
    expect(clock.sleepers).toBe(0);
  });
});

describe("stop", () => {
  it("waits for what is in flight, and takes nothing more in", async () => {
    let finish = (_: FakeAnswer): void => {};
    const { starting, app, broker } = await setUp({
      declared: [declare("a")],
      answer: ({ method }) =>
        method === "GET" ? { body: [] } : new Promise((resolve) => (finish = resolve)),
    });
    const { views, stop } = await starting;
    const live = subscribed(app, views);
    const source = { component: "ps", topic: "a" };
    const first = deliverTo(live, source, [message], { signal: never });
    let stopped = false;
    const stopping = stop().then(() => (stopped = true));
    expect(await deliverTo(live, source, [message], { signal: never })).toEqual(["retry"]);
    await broker.publish("a", [message], { signal: never });
    expect(broker.acks).toEqual([]);
    expect(stopped).toBe(false);
    finish({});
    expect(await first).toEqual(["done"]);
    await stopping;
  });

  it("ends after 30 s what is still in flight, and leaves it to its redelivery, not to the dead letters", async () => {
    const { starting, app, clock, broker } = await setUp({
      declared: [declare("a", { deadLetterTopic: "dead" })],
      answer: ({ method }) => (method === "GET" ? { body: [] } : new Promise(() => {})),
    });
    const { views, stop } = await starting;
    const acks = deliverTo(subscribed(app, views), { component: "ps", topic: "a" }, [message], {
      signal: never,
    });
    const stopping = stop();
    await clock.advance(29_999);
    expect(clock.sleepers).toBe(1);
    await clock.advance(1);
    await stopping;
    expect(await acks).toEqual(["retry"]);
    expect(broker.published).toEqual([]);
    expect(app.appId).toBe("app");
  });

  it("ends at once what is in flight when the runtime's signal fires", async () => {
    const end = new AbortController();
    const { starting, app } = await setUp({
      signal: end.signal,
      declared: [declare("a")],
      answer: ({ method }) => (method === "GET" ? { body: [] } : new Promise(() => {})),
    });
    const { views } = await starting;
    const acks = deliverTo(subscribed(app, views), { component: "ps", topic: "a" }, [message], {
      signal: never,
    });
    end.abort();
    expect(await acks).toEqual(["retry"]);
  });
});

describe("deliverTo", () => {
  it("finds the subscription of a component that pushes", async () => {
    const broker = testPubSub({ pulls: false });
    const { starting, app, channel } = await setUp({
      broker,
      declared: [declare("a"), declare("b")],
    });
    const { views } = await starting;
    const acks = await deliverTo(
      subscribed(app, views),
      { component: "ps", topic: "b" },
      [message, message],
      { signal: never },
    );
    expect(acks).toEqual(["done", "done"]);
    expect(channel.to("/b").length).toBe(2);
  });

  it("hands a bulk subscription the whole batch at once", async () => {
    const broker = testPubSub({ pulls: false });
    const { starting, app, channel } = await setUp({
      broker,
      declared: [declare("b", { bulkSubscribe: { enabled: true } })],
      answer: ({ method, body }) =>
        method === "GET"
          ? { body: [] }
          : {
              body: {
                statuses: (JSON.parse(body) as { entries: Array<{ entryId: string }> }).entries.map(
                  ({ entryId }) => ({
                    entryId,
                    status: "SUCCESS",
                  }),
                ),
              },
            },
    });
    const { views } = await starting;
    expect(
      await deliverTo(subscribed(app, views), { component: "ps", topic: "b" }, [message, message], {
        signal: never,
      }),
    ).toEqual(["done", "done"]);
    await eventually(() => channel.to("/b").length === 1);
  });

  it("does not wait for a batch from a broker that gives one message at a time", async () => {
    const broker = testPubSub({ features: ["BULK_SUBSCRIBE_IMMEDIATE"] });
    const { starting, channel, log } = await setUp({
      broker,
      declared: [declare("b", { bulkSubscribe: { enabled: true, maxAwaitDurationMs: 5000 } })],
    });
    await starting;
    // The clock stands still: what waited would wait for ever.
    await broker.publish("b", [message], { signal: never });
    await eventually(() => channel.to("/b").length === 1);
    expect(log.lines).toContainEqual([
      "warn",
      "maxAwaitDurationMs of topic b has no effect: ps delivers each message as soon as it comes",
    ]);
  });

  it("leaves messages that nobody subscribed to with the broker", async () => {
    const { starting, app } = await setUp({ declared: [declare("a")] });
    const { views } = await starting;
    for (const source of [
      { component: "ps", topic: "z" },
      { component: "other", topic: "a" },
    ])
      expect(await deliverTo(subscribed(app, views), source, [message], { signal: never })).toEqual(
        ["retry"],
      );
  });
});
