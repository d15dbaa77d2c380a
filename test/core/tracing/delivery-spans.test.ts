import { subscribed } from "#test/support/fake-app.ts";
import { describe, expect, it } from "vitest";
import { deliverEvent } from "#core/blocks/bindings/deliver.ts";
import { eventHeaders } from "#core/blocks/_shared/event-headers.ts";
import type { InputBinding } from "#core/ports/bindings.ts";
import type { Message } from "#core/ports/pub-sub.ts";
import { startSubscriptions } from "#core/blocks/pubsub/consume.ts";
import { deliverTo } from "#core/blocks/pubsub/deliver-to.ts";
import {
  type FakeAnswer,
  fakeApp,
  recordingChannel,
  type SeenCall,
} from "#test/support/fake-app.ts";
import { fakeClock } from "#test/support/fake-clock.ts";
import { spanKeeper } from "#test/support/span-keeper.ts";
import { testLog, testPubSub } from "../blocks/pubsub/support.ts";

const never = { signal: new AbortController().signal };
const traceOf = (n: number): string => `00-${String(n).repeat(32)}-${String(n).repeat(16)}-01`;
type Answer = (call: SeenCall) => FakeAnswer | Promise<FakeAnswer>;

async function setUp(answer: Answer = () => ({}), batch = 0) {
  const { tracer, spans } = spanKeeper();
  const channel = recordingChannel(answer);
  const tick: InputBinding = { listen: async () => {}, [Symbol.asyncDispose]: async () => {} };
  const app = fakeApp({
    samplingRate: 1,
    tracer,
    channel,
    components: [
      { kind: "pubsub", name: "ps", port: testPubSub() },
      { kind: "bindings.input", name: "tick", port: tick },
    ],
  });
  const subscription = {
    name: "sub",
    pubsubname: "ps",
    topic: "orders",
    routes: { rules: [], default: "/orders" },
    metadata: {},
    ...(batch > 0
      ? { bulkSubscribe: { enabled: true, maxMessagesCount: batch, maxAwaitDurationMs: 1 } }
      : {}),
  };
  const deps = { clock: fakeClock(), log: testLog(), programmatic: false };
  const { views } = await startSubscriptions(app, [subscription], deps, never);
  const live = subscribed(app, views);
  const push = (...messages: ReadonlyArray<Partial<Message>>) =>
    deliverTo(
      live,
      { component: "ps", topic: "orders" },
      messages.map((message) => ({ data: "{}", metadata: {}, ...message })),
      never,
    );
  return { spans, channel, push, app };
}
const event = (trace: unknown): Partial<Message> => ({
  data: JSON.stringify({ id: "1", traceparent: trace }),
});
const about = { "messaging.system": "pubsub", "messaging.destination.name": "orders" };

describe("spans of deliveries", () => {
  it.each<[string, Answer, string | undefined, object]>([
    ["taken", () => ({}), undefined, { ...about, "dapr.status_code": "200" }],
    [
      "refused",
      () => ({ status: 503 }),
      "Code(503): Service Unavailable",
      { ...about, "dapr.status_code": "503" },
    ],
    ["unheard", () => Promise.reject(new Error("gone")), "gone", about],
  ])("say that an event was %s", async (_, answer, error, attributes) => {
    const { spans, channel, push } = await setUp(answer);
    await push(event(traceOf(1)));
    expect(spans).toEqual([
      {
        name: "pubsub/orders",
        kind: "client",
        traceId: "1".repeat(32),
        parentId: "1".repeat(16),
        spanId: channel.seen[0]?.headers["traceparent"]?.slice(36, 52),
        error,
        attributes,
      },
    ]);
  });
  it("start a trace for an event whose own is no good, and none for one without, or with nonsense", async () => {
    const { spans, push } = await setUp();
    await push(event(""));
    expect(spans).toMatchObject([{ parentId: "" }]);
    await push({ data: "{}" });
    await push(event(7));
    expect(spans).toHaveLength(1);
  });
  it("of a batch are one for each event, and the app is told the last", async () => {
    const { spans, channel, push } = await setUp(() => ({ status: 500 }), 3);
    await push(event(traceOf(1)), { data: "{}" }, event(traceOf(2)));
    expect(spans).toMatchObject([
      {
        name: "pubsub/orders",
        parentId: "1".repeat(16),
        error: "Code(500): Internal Server Error",
      },
      { name: "pubsub/orders", parentId: "2".repeat(16), attributes: about },
    ]);
    expect(channel.seen[0]?.headers["traceparent"]).toBe(
      `00-${spans[1]?.traceId}-${spans[1]?.spanId}-01`,
    );
  });
  it("of a batch that found nobody say so, each of them", async () => {
    const { spans, push } = await setUp(() => Promise.reject(new Error("gone")), 2);
    await push(event(traceOf(1)), event(traceOf(2)));
    expect(spans.map(({ error }) => error)).toEqual(["gone", "gone"]);
  });
});

describe("spans of input bindings", () => {
  it.each<[string, Answer, string | undefined]>([
    ["taken", () => ({}), undefined],
    ["refused", () => ({ status: 404 }), "Code(404): Not Found"],
    ["unheard", () => Promise.reject(new Error("gone")), "gone"],
  ])("say that an event was %s, and continue its trace", async (_, answer, error) => {
    const { spans, channel, app } = await setUp(answer);
    const metadata = { traceparent: traceOf(3), tracestate: "a=b", baggage: "u=1" };
    await deliverEvent(app, "tick", { data: "1", metadata }, never).catch(() => {});
    expect(spans).toMatchObject([
      {
        name: "bindings/tick",
        kind: "client",
        parentId: "3".repeat(16),
        error,
        attributes: {
          "db.name": "tick",
          "db.system": "bindings",
          "db.connection_string": "POST /tick",
          "rpc.service": "Dapr",
        },
      },
    ]);
    expect(channel.seen[0]?.headers).toMatchObject({
      traceparent: `00-${spans[0]?.traceId}-${spans[0]?.spanId}-01`,
      tracestate: "a=b",
      baggage: "u=1",
    });
  });
  it("are not made of questions that the runtime asks the app", async () => {
    const { spans, app } = await setUp();
    expect(eventHeaders(app, { traceparent: traceOf(1) })).toContain("traceparent");
    expect(spans).toEqual([]);
  });
});
