import { subscribed } from "#test/support/fake-app.ts";
import type { FakeAppOptions } from "#test/support/fake-app.ts";
import { describe, expect, it } from "vitest";
import type { Message, PubSub } from "#core/ports/pub-sub.ts";
import { type ConsumeDeps, startSubscriptions } from "#core/blocks/pubsub/consume.ts";
import { deliverTo } from "#core/blocks/pubsub/deliver-to.ts";
import type { DeclaredSubscription } from "#core/resources/declared-subscription.ts";
import {
  type FakeAnswer,
  fakeApp,
  recordingChannel,
  type SeenCall,
} from "#test/support/fake-app.ts";
import { eventually } from "#test/support/eventually.ts";
import { fakeClock } from "#test/support/fake-clock.ts";
import { normalised, publishApi, testLog, testPubSub } from "./support.ts";

const json = { "content-type": "application/json" };
const never = new AbortController().signal;

type Wanted = Partial<DeclaredSubscription> & { readonly route?: string };
function declare({ route = "/orders", ...given }: Wanted = {}): DeclaredSubscription {
  return {
    name: "sub",
    pubsubname: "ps",
    topic: "orders",
    routes: { rules: [], default: route },
    metadata: {},
    ...given,
  };
}

async function setUp(
  answer: (call: SeenCall) => FakeAnswer | Promise<FakeAnswer>,
  wanted: readonly DeclaredSubscription[] = [declare()],
  {
    broker = {},
    deps = {},
    metadata = {},
    send,
    ...more
  }: FakeAppOptions & {
    readonly broker?: Parameters<typeof testPubSub>[0];
    readonly deps?: Partial<ConsumeDeps>;
    readonly metadata?: Readonly<Record<string, string>>;
    /** Instead of the broker's own. */
    readonly send?: PubSub["publish"];
  } = {},
) {
  const ps = testPubSub(broker);
  const port = send ? { ...ps, publish: send } : ps;
  const channel = recordingChannel(answer);
  const app = fakeApp({
    samplingRate: 1,
    channel,
    components: [{ kind: "pubsub", name: "ps", port, metadata }],
    ...more,
  });
  const clock = fakeClock();
  const log = testLog();
  const consumption = await startSubscriptions(
    app,
    wanted,
    { clock, log, programmatic: false, ...deps },
    { signal: never },
  );
  const live = subscribed(app, consumption.views);
  const publish = publishApi(app);
  /** Straight to the subscription, as a platform would push it. */
  const push = (message: Partial<Message>, topic = "orders") =>
    deliverTo(live, { component: "ps", topic }, [{ data: "{}", metadata: {}, ...message }], {
      signal: never,
    });
  return { ps, channel, app, clock, log, consumption, publish, push };
}
const ok = (): FakeAnswer => ({ body: { status: "SUCCESS" } });

describe("delivery", () => {
  it("posts the event as it was published, with the headers that Dapr sends", async () => {
    const { publish, channel, ps } = await setUp(ok, [declare({ topic: "prog", route: "/prog" })]);
    await publish("/v1.0/publish/ps/prog", { n: 1 }, json);
    await eventually(() => ps.acks.length === 1);
    const [call] = channel.seen;
    expect(call).toMatchObject({ method: "POST", path: "/prog" });
    expect(
      Object.fromEntries(Object.entries(call?.headers ?? {}).map(([k, v]) => [k, normalised(v)])),
    ).toEqual({
      "content-type": "application/cloudevents+json",
      pubsubname: "ps",
      traceparent: "<traceparent>",
    });
    expect(call?.body).toBe(ps.published[0]?.message.data);
    expect(ps.acks).toEqual(["done"]);
  });

  it("carries the message's metadata as headers, but lets it neither forge nor split any", async () => {
    const { push, channel } = await setUp(ok, undefined, { appToken: "secret" });
    await push({
      metadata: {
        "cloudevent.id": "over",
        rawPayload: "true",
        "Content-Length": "3",
        "dapr-api-token": "forged",
        "dapr-caller-app-id": "forged",
        pubsubname: "forged",
        "bad name": "x",
        lines: "a\r\nevil: b",
        umlaut: "ü",
      },
    });
    expect(channel.seen[0]?.headers).toEqual({
      "content-type": "application/cloudevents+json",
      pubsubname: "ps",
      "cloudevent.id": "over",
      rawpayload: "true",
      lines: "a  evil: b",
      umlaut: "Ã¼",
      "dapr-api-token": "secret",
    });
  });

  it("continues the event's trace, and sends no trace header for an event without", async () => {
    const { push, channel } = await setUp(ok);
    await push({
      data: '{"traceid":"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01","tracestate":"a=b"}',
    });
    expect(channel.seen[0]?.headers["traceparent"]).toMatch(
      /^00-0af7651916cd43dd8448eb211c80319c-/,
    );
    expect(channel.seen[0]?.headers).not.toHaveProperty("tracestate");
    await push({ data: '{"n":6}', metadata: { rawPayload: "true" } });
    expect(channel.seen[1]?.headers).not.toHaveProperty("traceparent");
    expect(channel.seen[1]?.body).toBe('{"n":6}');
  });

  it.each([
    ["SUCCESS", { body: { status: "SUCCESS" } }, "done"],
    ["201", { status: 201, body: { status: "SUCCESS" } }, "done"],
    ["nothing", {}, "done"],
    ["no JSON", { body: "fine" }, "done"],
    ["an empty status", { body: { status: "" } }, "done"],
    ["JSON without a status", { body: [1] }, "done"],
    ["a status in capitals", { body: { Status: "RETRY" } }, "retry"],
    ["RETRY", { body: { status: "RETRY" } }, "retry"],
    ["DROP", { body: { status: "DROP" } }, "drop"],
    ["an unknown status", { body: { status: "WHAT" } }, "retry"],
    ["404", { status: 404 }, "drop"],
    ["500", { status: 500, body: "x" }, "retry"],
    ["a redirect", { status: 302 }, "retry"],
    ["more than 1 MiB", { body: new Uint8Array(1_048_577).fill(32) }, "done"],
  ])("reads %s as the wire contract says", async (_, answer, ack) => {
    const { push } = await setUp(() => answer as FakeAnswer);
    expect(await push({})).toEqual([ack]);
  });

  it("leaves the message to its redelivery when the app cannot be reached", async () => {
    const { push, log } = await setUp(() => {
      throw new Error("connection refused");
    });
    expect(await push({})).toEqual(["retry"]);
    expect(log.lines).toContainEqual(["warn", expect.stringContaining("connection refused")]);
  });

  it("does not read an endless answer to its end", async () => {
    const endless = new ReadableStream<Uint8Array>({
      pull: (out) => out.enqueue(new Uint8Array(65_536)),
    });
    const { push } = await setUp(() => ({ body: endless }));
    expect(await push({})).toEqual(["done"]);
  });

  it("wraps what is raw for a raw subscription", async () => {
    const { push, channel } = await setUp(ok, [
      declare({ topic: "raw", metadata: { rawPayload: "true" } }),
    ]);
    expect(await push({ data: '{"n":5}', metadata: { traceid: "t" } }, "raw")).toEqual(["done"]);
    expect(normalised(channel.seen[0]?.body ?? "")).toBe(
      '{"data_base64":"eyJuIjo1fQ==","datacontenttype":"application/octet-stream","id":"<uuid>","pubsubname":"ps","source":"Dapr","specversion":"1.0","topic":"raw","traceid":"t","type":"com.dapr.event.sent"}',
    );
  });

  it("routes a binary-mode event by its ce_ metadata and hands on the bytes", async () => {
    const { push, channel } = await setUp(ok, [
      declare({ routes: { rules: [{ match: 'event.type == "x"', path: "/x" }] } }),
    ]);
    await push({
      data: new TextEncoder().encode("abc"),
      contentType: "application/octet-stream",
      metadata: { CE_type: "x" },
    });
    expect(channel.seen).toMatchObject([{ path: "/x", body: "abc" }]);
  });

  it("takes the first rule that is true, else the default, else acknowledges without a call", async () => {
    const rules = [{ match: 'event.type == "big" && event.data.n > 5', path: "/big" }];
    const { push, channel } = await setUp(ok, [
      declare({ routes: { rules, default: "/small" } }),
      declare({ topic: "strict", routes: { rules } }),
    ]);
    await push({ data: '{"type":"big","data":{"n":9}}' });
    await push({ data: '{"type":"big","data":{"n":1}}' });
    expect(channel.seen.map(({ path }) => path)).toEqual(["/big", "/small"]);
    expect(await push({ data: '{"type":"big","data":{"n":1}}' }, "strict")).toEqual(["drop"]);
    expect(channel.seen.length).toBe(2);
  });

  it("adds the slash that a route lacks, and encodes it", async () => {
    const { push, channel } = await setUp(ok, [declare({ route: "drop it/../a%20b?x=1" })]);
    await push({});
    expect(channel.seen[0]?.path).toBe("/a%20b?x=1");
  });

  it("drops an event whose expiration has passed, by the clock", async () => {
    const { push, channel, clock } = await setUp(ok);
    const data = JSON.stringify({ expiration: new Date(clock.now() + 5000).toISOString() });
    expect(await push({ data })).toEqual(["done"]);
    await clock.advance(6000);
    expect(await push({ data })).toEqual(["drop"]);
    expect(await push({ data: '{"expiration":"soon"}' })).toEqual(["done"]);
    expect(channel.seen.length).toBe(2);
  });

  it.each(["no json", "[1]", "null", '"text"'])(
    "leaves the payload %s, which is not an event, to its redelivery",
    async (data) => {
      const { push, channel, log } = await setUp(ok);
      expect(await push({ data })).toEqual(["retry"]);
      expect(channel.seen).toEqual([]);
      expect(log.lines.some(([level]) => level === "error")).toBe(true);
    },
  );

  it("is not upset by an id that is not text", async () => {
    const { push } = await setUp(ok);
    expect(await push({ data: '{"id":{"toString":1}}' })).toEqual(["done"]);
  });

  it("runs each delivery inside the component's inbound guard", async () => {
    let left = 2;
    const { push, channel } = await setUp(() => (left-- > 0 ? { status: 503 } : ok()), undefined, {
      deps: {
        inbound: () => async (run, options) => {
          for (;;) {
            try {
              return await run(options);
            } catch (reason) {
              if ((reason as { status?: number }).status !== 503) throw reason;
            }
          }
        },
      },
    });
    expect(await push({})).toEqual(["done"]);
    expect(channel.seen.length).toBe(3);
  });
});

describe("dead letters", () => {
  const wanted = [declare({ deadLetterTopic: "dead" }), declare({ topic: "dead", route: "/dead" })];

  it.each([
    ["an error", { status: 500 }],
    ["RETRY", { body: { status: "RETRY" } }],
    ["DROP", { body: { status: "DROP" } }],
    ["404", { status: 404 }],
  ])(
    "get the message after the first failure when the app answers %s and there is no policy",
    async (_, answer) => {
      const { push, channel, ps } = await setUp(
        ({ path }) => (path === "/dead" ? ok() : (answer as FakeAnswer)),
        wanted,
      );
      expect(await push({ data: '{"id":"1"}', metadata: { k: "v" } })).toEqual(["done"]);
      expect(ps.published).toEqual([
        { topic: "dead", message: { data: '{"id":"1"}', metadata: { k: "v", pubsubName: "ps" } } },
      ]);
      await eventually(() => channel.to("/dead").length === 1);
      expect(channel.to("/dead")[0]?.body).toBe('{"id":"1"}');
      expect(channel.to("/orders").length).toBe(1);
    },
  );

  it("get what cannot be read, routed or used any more", async () => {
    const routes = { rules: [{ match: "event.data.n > 5", path: "/x" }] };
    const { push, ps } = await setUp(ok, [declare({ deadLetterTopic: "dead", routes })]);
    expect(await push({ data: "no json" })).toEqual(["done"]);
    expect(await push({ data: '{"data":{"n":1}}' })).toEqual(["done"]);
    expect(await push({ data: '{"expiration":"2001-01-01T00:00:00Z"}' })).toEqual(["done"]);
    expect(await push({ data: '{"data":{"n":{}}}' })).toEqual(["done"]);
    expect(ps.published.length).toBe(4);
  });

  it.each([[{ status: 500 }], [{ status: 404 }]])(
    "that the broker does not take leave the message to its redelivery: %o",
    async (answer) => {
      const { push, log } = await setUp(() => answer, wanted, {
        broker: { fail: () => new Error("full") },
      });
      expect(await push({})).toEqual(["retry"]);
      expect(log.lines).toContainEqual(["error", expect.stringContaining("full")]);
    },
  );

  it("that take more than 30 s leave the message to its redelivery", async () => {
    const { push, clock } = await setUp(() => ({ status: 500 }), wanted, {
      send: () => new Promise(() => {}),
    });
    const acks = push({});
    await clock.advance(29_999);
    expect(clock.sleepers).toBe(1);
    await clock.advance(1);
    expect(await acks).toEqual(["retry"]);
  });

  it("that the app may not publish leave the message to its redelivery", async () => {
    const { push, ps } = await setUp(() => ({ status: 500 }), wanted, {
      metadata: { protectedtopics: "dead" },
    });
    expect(await push({})).toEqual(["retry"]);
    expect(ps.published).toEqual([]);
  });
});
