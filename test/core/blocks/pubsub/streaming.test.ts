import { streamingSubscriptions } from "#core/blocks/pubsub/streaming-subscriptions.ts";
import { describe, expect, it } from "vitest";
import { open } from "#components/in-memory/pub-sub.ts";
import type { App } from "#core/kernel/app.ts";
import { pubsubGrpc } from "#core/blocks/pubsub/grpc.ts";
import { eventually } from "#test/support/eventually.ts";
import { fakeApp } from "#test/support/fake-app.ts";
import { testHost } from "#test/support/host.ts";
import { grpcClient, grpcError } from "../../grpc-call.ts";
import { testPubSub } from "./support.ts";

const statuses = { SUCCESS: 0, RETRY: 1, DROP: 2 } as const;

/** A subscriber that says what it is told to, when it is told to. */
function subscriber(app: App) {
  const queue: object[] = [];
  let wake = (): void => {};
  let ended = false;
  async function* requests(): AsyncGenerator<object> {
    for (;;) {
      const next = queue.shift();
      if (next) yield next;
      else if (ended) return;
      else await new Promise<void>((done) => (wake = done));
    }
  }
  const stream = grpcClient(app, {}, [pubsubGrpc]).stream("SubscribeTopicEventsAlpha1", requests());
  const say = (type: object): void => {
    queue.push({ subscribeTopicEventsRequestType: type });
    wake();
  };
  return {
    say,
    subscribe: (initial: object) => say({ case: "initialRequest", value: initial }),
    answer: (id: string, status: keyof typeof statuses) =>
      say({ case: "eventProcessed", value: { id, status: { status: statuses[status] } } }),
    hangUp: () => {
      ended = true;
      wake();
    },
    next: async () => {
      const { value, done } = await stream.next();
      return done ? undefined : value.subscribeTopicEventsResponseType;
    },
    cancel: () => stream.return(undefined),
  };
}
const event = (id: string, extra: object = {}): string =>
  JSON.stringify({
    specversion: "1.0",
    id,
    source: "s",
    type: "t",
    data: { n: 1 },
    datacontenttype: "application/json",
    ...extra,
  });

describe("a streaming subscription", () => {
  const setUp = () => {
    const pubsub = testPubSub();
    const app = fakeApp({ components: [{ kind: "pubsub", name: "ps", port: pubsub }] });
    const send = (data: string) =>
      pubsub.publish("t", [{ data, metadata: {} }], { signal: new AbortController().signal });
    return { pubsub, app, send, client: subscriber(app) };
  };

  it("delivers events, and acknowledges what is answered, in any order", async () => {
    const { pubsub, app, send, client } = setUp();
    client.subscribe({ pubsubName: "ps", topic: "t", metadata: {} });
    expect((await client.next())?.case).toBe("initialResponse");
    expect(app.part(streamingSubscriptions).views).toMatchObject([
      { topic: "t", type: "STREAMING" },
    ]);
    for (const id of ["1", "2", "3"]) await send(event(id, { mine: "x" }));
    const got = [await client.next(), await client.next(), await client.next()];
    expect(got.map((each) => each.value.id)).toEqual(["1", "2", "3"]);
    expect(got[0].value).toMatchObject({
      topic: "t",
      pubsubName: "ps",
      path: "/",
      source: "s",
      extensions: { mine: "x" },
    });
    expect(Buffer.from(got[0].value.data).toString()).toBe('{"n":1}');
    client.answer("3", "DROP");
    client.answer("unknown", "SUCCESS");
    client.answer("1", "SUCCESS");
    client.answer("2", "RETRY");
    await eventually(() => pubsub.acks.length === 3);
    expect([...pubsub.acks].sort()).toEqual(["done", "drop", "retry"]);
    client.hangUp();
    expect((await grpcError(client.next())).message).toBe("EOF");
    expect(app.part(streamingSubscriptions).views).toEqual([]);
  });
  it("gives back to the broker what was not answered when the stream ends", async () => {
    const { pubsub, send, client } = setUp();
    client.subscribe({ pubsubName: "ps", topic: "t", deadLetterTopic: "dead" });
    await client.next();
    await send(event("1"));
    await client.next();
    await client.cancel();
    await eventually(() => pubsub.acks.length === 1);
    expect(pubsub.acks).toEqual(["retry"]);
    expect(pubsub.published.filter(({ topic }) => topic === "dead")).toEqual([]);
  });
  it("keeps the digits of large numbers", async () => {
    const { send, client } = setUp();
    client.subscribe({ pubsubName: "ps", topic: "t" });
    await client.next();
    await send(`{"id":"1","datacontenttype":"application/json","data":{"n":12345678901234567890}}`);
    expect(Buffer.from((await client.next()).value.data).toString()).toBe(
      '{"n":12345678901234567890}',
    );
    await client.cancel();
  });
  it.each([
    ["nothing", { case: undefined }, "initial request is required"],
    [
      "an answer first",
      { case: "eventProcessed", value: { id: "1" } },
      "initial request is required",
    ],
    ["no pub/sub", { case: "initialRequest", value: { topic: "t" } }, "pubsubName is required"],
    ["no topic", { case: "initialRequest", value: { pubsubName: "ps" } }, "topic is required"],
    [
      "an unknown pub/sub",
      { case: "initialRequest", value: { pubsubName: "x", topic: "t" } },
      "pubsub x is not found",
    ],
  ])("refuses %s", async (_, request, message) => {
    const { app, client } = setUp();
    client.say(request);
    expect((await grpcError(client.next())).message).toBe(message);
    expect(app.part(streamingSubscriptions).views).toEqual([]);
  });
  it("ends a stream that subscribes twice", async () => {
    const { client } = setUp();
    client.subscribe({ pubsubName: "ps", topic: "t" });
    await client.next();
    client.subscribe({ pubsubName: "ps", topic: "t" });
    expect((await grpcError(client.next())).message).toBe("duplicate initial request received");
  });
  it("ends a stream that has said nothing when the app stops", async () => {
    const { app, client } = setUp();
    const first = grpcError(client.next());
    await app.part(streamingSubscriptions).stop();
    expect((await first).message).toBe("api server closed");
  });
  it("tells when the broker refuses", async () => {
    const pubsub = testPubSub({ refuse: () => new Error("no such queue") });
    const app = fakeApp({ components: [{ kind: "pubsub", name: "ps", port: pubsub }] });
    const client = subscriber(app);
    client.subscribe({ pubsubName: "ps", topic: "t" });
    expect((await grpcError(client.next())).message).toContain("no such queue");
  });
  it("ends with the app, and waits for what is being worked on", async () => {
    const { pubsub, app, send, client } = setUp();
    client.subscribe({ pubsubName: "ps", topic: "t" });
    await client.next();
    await send(event("1"));
    await client.next();
    const stopped = app.part(streamingSubscriptions).stop();
    await send(event("2"));
    client.answer("1", "SUCCESS");
    await stopped;
    // Which gRPC calls Unknown: SDKs subscribe again after that.
    expect(await grpcError(client.next())).toMatchObject({
      message: "stream closed",
      spec: { grpc: 2 },
    });
    // The second stays with the broker: nothing was taken in any more.
    expect(pubsub.acks).toEqual(["done"]);
    expect(() => app.part(streamingSubscriptions).add({} as never, async () => {})).toThrow(
      "stopping",
    );
  });
  it("ends deliveries with the broker's signal; what its client had not read by then is not sent", async () => {
    const broken = new AbortController();
    const pubsub = testPubSub({ broken: broken.signal });
    const app = fakeApp({ components: [{ kind: "pubsub", name: "ps", port: pubsub }] });
    const client = subscriber(app);
    client.subscribe({ pubsubName: "ps", topic: "t", deadLetterTopic: "dead" });
    await client.next();
    const signal = new AbortController().signal;
    for (const id of ["1", "2", "3"])
      await pubsub.publish("t", [{ data: event(id), metadata: {} }], { signal });
    expect((await client.next())?.value.id).toBe("1");
    broken.abort();
    await eventually(() => pubsub.acks.length === 3);
    expect(pubsub.acks).toEqual(["retry", "retry", "retry"]);
    expect(pubsub.published.filter(({ topic }) => topic === "dead")).toEqual([]);
    // An answer that comes too late is for nobody.
    client.answer("1", "SUCCESS");
    client.hangUp();
    expect((await grpcError(client.next())).message).toBe("EOF");
  });
  it("delivers under the policies in force at the time, not those of its beginning", async () => {
    const { app, send, client } = setUp();
    client.subscribe({ pubsubName: "ps", topic: "t" });
    await client.next();
    const asked: string[] = [];
    const resiliency = {
      component: (name: string, kind: string, direction: string) =>
        void asked.push(`${name} ${kind} ${direction}`),
    };
    Object.assign(app.policies, { resiliency });
    await send(event("1"));
    await client.next();
    expect(asked).toEqual(["ps pubsub inbound"]);
    await client.cancel();
  });
  it("wraps raw payloads in an event", async () => {
    const port = open({ ...testHost(), redeliverMs: 0 });
    const app = fakeApp({ components: [{ kind: "pubsub", name: "ps", port }] });
    const client = subscriber(app);
    client.subscribe({ pubsubName: "ps", topic: "t", metadata: { rawPayload: "true" } });
    await client.next();
    await port.publish("t", [{ data: "raw", metadata: {} }], {
      signal: new AbortController().signal,
    });
    const { value } = await client.next();
    expect(Buffer.from(value.data).toString()).toBe("raw");
    client.answer(value.id, "SUCCESS");
    await client.cancel();
    await port[Symbol.asyncDispose]();
  });
});
