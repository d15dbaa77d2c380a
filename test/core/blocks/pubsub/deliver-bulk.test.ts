import { describe, expect, it } from "vitest";
import type { Ack, Deliver, Message, PubSub, PubSubFeature } from "#core/ports/pub-sub.ts";
import { type ConsumeDeps, startSubscriptions } from "#core/blocks/pubsub/consume.ts";
import type { DeclaredSubscription } from "#core/resources/declared-subscription.ts";
import {
  type FakeAnswer,
  fakeApp,
  recordingChannel,
  type SeenCall,
} from "#test/support/fake-app.ts";
import { fakeClock } from "#test/support/fake-clock.ts";
import { normalised, testLog, testPubSub } from "./support.ts";

const never = new AbortController().signal;

async function setUp(
  answer: (call: SeenCall) => FakeAnswer,
  wanted: Partial<DeclaredSubscription> = {},
  {
    features = [],
    deps = {},
  }: { readonly features?: readonly PubSubFeature[]; readonly deps?: Partial<ConsumeDeps> } = {},
) {
  const ps = testPubSub({ features });
  let deliver: Deliver | undefined;
  const port: PubSub = {
    ...ps,
    subscribe: async (subscription, handler, options) => {
      if (subscription.topic === "bulk") deliver = handler;
      await ps.subscribe?.(subscription, handler, options);
    },
  };
  const channel = recordingChannel(answer);
  const app = fakeApp({
    samplingRate: 1,
    channel,
    components: [{ kind: "pubsub", name: "ps", port }],
  });
  const clock = fakeClock();
  const log = testLog();
  const subscription: DeclaredSubscription = {
    name: "bulk",
    pubsubname: "ps",
    topic: "bulk",
    routes: { rules: [], default: "/bulk" },
    metadata: {},
    bulkSubscribe: { enabled: true, maxMessagesCount: 3, maxAwaitDurationMs: 300 },
    ...wanted,
  };
  const consumption = await startSubscriptions(
    app,
    [subscription],
    { clock, log, programmatic: false, ...deps },
    { signal: never },
  );
  const pull = (...messages: ReadonlyArray<string | Message>): Promise<readonly Ack[]> =>
    (deliver as Deliver)(
      messages.map((each) => (typeof each === "string" ? { data: each, metadata: {} } : each)),
      { signal: never },
    );
  return { ps, channel, clock, log, consumption, pull };
}

interface Batch {
  readonly entries: ReadonlyArray<{
    readonly entryId: string;
    readonly event: { readonly n: number };
  }>;
}
const batchOf = ({ body }: SeenCall): Batch => JSON.parse(body) as Batch;
/** Answers each entry by its event's `n`. */
function byNumber(status: (n: number) => string | undefined): (call: SeenCall) => FakeAnswer {
  return (call) => ({
    body: {
      statuses: batchOf(call).entries.flatMap(({ entryId, event }) => {
        const word = status(event.n);
        return word === undefined ? [] : [{ entryId, status: word }];
      }),
    },
  });
}
const success = byNumber(() => "SUCCESS");

describe("bulk delivery", () => {
  it("posts what Dapr posts", async () => {
    const { pull, channel, clock } = await setUp(success);
    const data = '{"data":{"n":3},"id":"1","traceid":"","traceparent":"","tracestate":""}';
    const acks = pull(data);
    await clock.advance(300);
    expect(await acks).toEqual(["done"]);
    const [call] = channel.seen;
    expect(call).toMatchObject({ method: "POST", path: "/bulk" });
    expect(normalised(call?.headers["traceparent"] ?? "")).toBe("<traceparent>");
    expect(call?.headers).toMatchObject({ "content-type": "application/json", pubsubname: "ps" });
    expect(normalised(call?.body ?? "")).toBe(
      `{"entries":[{"entryId":"<uuid>","event":${data},"metadata":null,"contentType":"application/cloudevents+json"}],"id":"<uuid>","metadata":{"pubsubName":"ps"},"pubsubname":"ps","topic":"bulk","type":"com.dapr.event.sent.bulk"}`,
    );
  });

  it("closes a batch when it is full, or when its first message has waited long enough", async () => {
    const { pull, channel, clock } = await setUp(success);
    const first = [pull('{"n":1}'), pull('{"n":2}')];
    await clock.advance(299);
    expect(channel.seen).toEqual([]);
    const rest = pull('{"n":3}', '{"n":4}');
    await Promise.all(first);
    expect(channel.seen.map((call) => batchOf(call).entries.length)).toEqual([3]);
    await clock.advance(299);
    expect(channel.seen.length).toBe(1);
    await clock.advance(1);
    expect(await rest).toEqual(["done", "done"]);
    expect(channel.seen.map((call) => batchOf(call).entries.length)).toEqual([3, 1]);
  });

  it("does not gather for a broker that batches itself", async () => {
    const { pull, channel } = await setUp(success, {}, { features: ["BULK_PUBSUB"] });
    expect(await pull('{"n":1}', '{"n":2}', '{"n":3}', '{"n":4}')).toEqual([
      "done",
      "done",
      "done",
      "done",
    ]);
    expect(channel.seen.map((call) => batchOf(call).entries.length)).toEqual([3, 1]);
  });

  it("asks for 100 messages or a second unless told otherwise", async () => {
    const { ps } = await setUp(success, { bulkSubscribe: { enabled: true } });
    expect(ps.subscribed[0]?.bulk).toEqual({ maxMessagesCount: 100, maxAwaitDurationMs: 1000 });
  });

  it("tells the broker of each entry what the app said of it", async () => {
    const words = ["SUCCESS", "RETRY", "DROP", "", "WHAT", undefined];
    const { pull } = await setUp(
      byNumber((n) => words[n]),
      { bulkSubscribe: { enabled: true, maxMessagesCount: 6 } },
    );
    const acks = await pull(...words.map((_, n) => `{"n":${n}}`));
    expect(acks).toEqual(["done", "retry", "drop", "retry", "retry", "retry"]);
  });

  it("ignores a status for an entry that was not sent", async () => {
    const { pull, log } = await setUp(() => ({
      body: { statuses: [{ entryId: "x", status: "SUCCESS" }, { entryId: { toString: 1 } }, 5] },
    }));
    expect(await pull("{}", "{}", "{}")).toEqual(["retry", "retry", "retry"]);
    expect(log.lines).toContainEqual(["warn", expect.stringContaining("not sent")]);
  });

  it.each([
    ["no JSON", { body: "fine" }, "retry"],
    ["nothing", {}, "retry"],
    ["500", { status: 500 }, "retry"],
    ["404", { status: 404 }, "drop"],
  ])("takes %s for all entries alike", async (_, answer, ack) => {
    const { pull } = await setUp(() => answer as FakeAnswer);
    expect(await pull("{}", "{}", "{}")).toEqual([ack, ack, ack]);
  });

  it("makes one call for each path, and none for what no route takes or nobody can read", async () => {
    const rules = [
      { match: "event.n == 1", path: "/one" },
      { match: "event.n == 2", path: "/two" },
    ];
    const { pull, channel } = await setUp(success, {
      routes: { rules },
      bulkSubscribe: { enabled: true, maxMessagesCount: 5 },
    });
    expect(await pull('{"n":1}', '{"n":2}', '{"n":1}', '{"n":3}', "no json")).toEqual([
      "done",
      "done",
      "done",
      "drop",
      "retry",
    ]);
    expect(channel.to("/one").map((call) => batchOf(call).entries.length)).toEqual([2]);
    expect(channel.to("/two").map((call) => batchOf(call).entries.length)).toEqual([1]);
  });

  it("carries raw payloads as base64, with the broker's metadata", async () => {
    const answered = ({ body }: SeenCall): FakeAnswer => ({
      body: {
        statuses: (JSON.parse(body) as Batch).entries.map(({ entryId }) => ({
          entryId,
          status: "SUCCESS",
        })),
      },
    });
    const { pull, channel } = await setUp(answered, {
      metadata: { rawPayload: "true" },
      bulkSubscribe: { enabled: true, maxMessagesCount: 1 },
    });
    expect(await pull({ data: "abc", metadata: { k: "v" } })).toEqual(["done"]);
    expect(batchOf(channel.seen[0] as SeenCall).entries).toMatchObject([
      { event: "YWJj", metadata: { k: "v" }, contentType: "application/octet-stream" },
    ]);
  });

  it("sends entries that failed or were dropped to the dead letters, one by one", async () => {
    const { pull, ps } = await setUp(
      byNumber((n) => ["SUCCESS", "RETRY", "DROP"][n]),
      { deadLetterTopic: "dead" },
    );
    expect(await pull('{"n":0}', '{"n":1}', '{"n":2}')).toEqual(["done", "done", "done"]);
    expect(ps.published.map(({ topic, message }) => [topic, message.data])).toEqual([
      ["dead", '{"n":1}'],
      ["dead", '{"n":2}'],
    ]);
  });

  it("sends again, under a policy, only what is not through yet", async () => {
    let round = 0;
    const { pull, channel } = await setUp(
      byNumber((n) => (n === 1 && round++ === 0 ? "RETRY" : "SUCCESS")),
      {},
      { deps: { inbound: () => async (run, options) => run(options).catch(() => run(options)) } },
    );
    expect(await pull('{"n":0}', '{"n":1}', '{"n":2}')).toEqual(["done", "done", "done"]);
    expect(channel.seen.map((call) => batchOf(call).entries.map(({ event }) => event.n))).toEqual([
      [0, 1, 2],
      [1],
    ]);
  });

  it("sends what has gathered when the subscription stops", async () => {
    const { pull, channel, consumption } = await setUp(success);
    const acks = pull('{"n":1}');
    await consumption.stop();
    expect(await acks).toEqual(["done"]);
    expect(channel.seen.length).toBe(1);
  });
});
