import { randomUUID } from "node:crypto";
import { status } from "@grpc/grpc-js";
import { afterEach, describe, expect, it } from "vitest";
import { eventually } from "#test/support/eventually.ts";
import { type WireClient, wireClient } from "#test/support/grpc-client.ts";
import { type InProcess, nodeRuntime } from "#test/support/node-runtime.ts";
import { redisCli } from "#test/support/redis-server.ts";
import { describeWith } from "#test/support/services.ts";
import { type SubscriptionStream, subscriptionStream } from "#test/support/subscription-stream.ts";

let runtime: InProcess;
const clients: WireClient[] = [];
const endings: Array<() => unknown> = [];
afterEach(async () => {
  for (const client of clients.splice(0)) client[Symbol.dispose]();
  for (const end of endings.splice(0)) await end();
});

async function start(document?: string): Promise<void> {
  runtime = await nodeRuntime({
    gracefulShutdownMs: 5000,
    ...(document ? { inlineResources: [{ name: "bus.yaml", text: document }] } : {}),
  });
  endings.push(() => runtime.stop().catch(() => {}));
}
/** A client with a connection of its own. */
function connect(): WireClient {
  const client = wireClient(runtime.grpcPort);
  clients.push(client);
  return client;
}
async function subscribed(client: WireClient, topic = "t"): Promise<SubscriptionStream> {
  const stream = subscriptionStream(client.client);
  stream.subscribe("pubsub", topic);
  await stream.started();
  return stream;
}
const publish = async (client: WireClient, text: string, topic = "t"): Promise<number> => {
  const data = new TextEncoder().encode(text);
  const { code } = await client.unary("PublishEvent", {
    pubsubName: "pubsub",
    topic,
    data,
    dataContentType: "text/plain",
  });
  return code;
};
const idsOf = ({ received }: SubscriptionStream): readonly string[] =>
  received.flatMap((said) => (said.case === "eventMessage" ? [said.value.id] : []));

describe("clients of subscription streams", () => {
  it("that say nothing, hundreds of them, hold nobody up, nor the end", async () => {
    await start();
    const client = connect();
    const silent = Array.from({ length: 300 }, () => subscriptionStream(client.client));
    const stream = await subscribed(client);
    stream.answerAll();
    await publish(client, "x");
    await eventually(() => stream.texts.includes("x"));
    const ended = Promise.all(silent.map((each) => each.ended));
    await runtime.stop();
    for (const each of await ended)
      expect(each).toEqual({ code: status.UNKNOWN, details: "api server closed" });
  });
  it("that say what is not a message get an error, and the others go on", async () => {
    await start();
    const client = connect();
    const stream = await subscribed(client);
    stream.answerAll();
    const [first, later] = [subscriptionStream(client.client), await subscribed(client)];
    first.raw(Uint8Array.of(0xff, 0xff));
    later.raw(Uint8Array.of(0xff, 0xff));
    expect((await first.ended).code).toBe(status.INTERNAL);
    expect((await later.ended).code).toBe(status.INTERNAL);
    await publish(client, "x");
    await eventually(() => stream.texts.includes("x"));
  });
  it("that answer what they were not sent are not listened to, however much it is", async () => {
    await start();
    const client = connect();
    const stream = await subscribed(client);
    for (let i = 0; i < 2000; i++) stream.answer(`unknown ${i}`);
    stream.answer("");
    await publish(client, "x");
    await eventually(() => stream.texts.includes("x"));
    // Twice the same answer is one.
    const [id] = idsOf(stream);
    for (let i = 0; i < 3; i++) stream.answer(id as string);
    await publish(client, "y");
    await eventually(() => stream.texts.includes("y"));
    stream.answer(idsOf(stream)[1] as string, 77);
  });
  it("that subscribe twice in one breath get the error, and what they had in hand is another's", async () => {
    await start();
    const client = connect();
    const stream = subscriptionStream(client.client);
    stream.subscribe("pubsub", "t");
    stream.subscribe("pubsub", "t");
    expect(await stream.ended).toEqual({
      code: status.UNKNOWN,
      details: "duplicate initial request received",
    });
    const next = await subscribed(client);
    next.answerAll();
    await publish(client, "x");
    await eventually(() => next.texts.includes("x"));
  });
  it("that never answer get one event at a time, and are left behind by the end", async () => {
    await start();
    const client = connect();
    const [mute, other] = [await subscribed(client), await subscribed(client)];
    other.answerAll();
    for (let i = 0; i < 200; i++) expect(await publish(client, String(i))).toBe(status.OK);
    await eventually(() => other.texts.length === 200);
    expect(mute.texts).toEqual(["0"]);
    mute.cancel();
    await runtime.stop();
  });
  it("that come and go while events are published leave nothing behind", async () => {
    await start();
    const client = connect();
    const steady = await subscribed(client);
    steady.answerAll();
    for (let i = 0; i < 50; i++) {
      const passing = await subscribed(client);
      void publish(client, String(i));
      if (i % 3 === 0) passing.cancel();
      else if (i % 3 === 1) passing.hangUp();
      else passing.subscribe("pubsub", "t");
      await passing.ended;
    }
    await eventually(() => new Set(steady.texts).size === 50);
    const metadata = (await (
      await fetch(`http://127.0.0.1:${runtime.httpPort}/v1.0/metadata`)
    ).json()) as { readonly subscriptions: readonly unknown[] };
    expect(metadata.subscriptions).toHaveLength(1);
    steady.hangUp();
    await runtime.stop();
  });
});

await describeWith("redis", "clients of subscription streams over Redis", (redis) => {
  const topic = randomUUID();
  const bus = JSON.stringify({
    apiVersion: "dapr.io/v1alpha1",
    kind: "Component",
    metadata: { name: "pubsub" },
    spec: {
      type: "pubsub.redis",
      version: "v1",
      metadata: [
        { name: "redisHost", value: redis.address },
        { name: "consumerID", value: "hostile" },
        { name: "processingTimeout", value: "200ms" },
        { name: "redeliverInterval", value: "50ms" },
        { name: "concurrency", value: "2" },
      ],
    },
  });
  const pending = async (): Promise<string> =>
    (await redisCli(redis, "XPENDING", topic, "hostile")).split("\n")[0] ?? "";
  afterEach(async () => {
    await redisCli(redis, "DEL", topic);
  });

  it("that vanish with events in hand lose none: another gets them", async () => {
    await start(bus);
    const [vanishing, other] = [connect(), connect()];
    const gone = await subscribed(vanishing, topic);
    for (const text of ["1", "2", "3", "4"]) await publish(other, text, topic);
    await eventually(() => gone.texts.length >= 2);
    gone.cancel();
    const next = await subscribed(other, topic);
    next.answerAll();
    await eventually(() => new Set(next.texts).size === 4, { what: "all events" });
    await eventually(async () => (await pending()) === "0");
  });
  it("that never answer see their events again, and are not sent more and more at once", async () => {
    await start(bus);
    const client = connect();
    const mute = await subscribed(client, topic);
    for (const text of ["1", "2"]) await publish(client, text, topic);
    await eventually(() => mute.texts.length >= 6, { what: "the events again" });
    mute.cancel();
    const next = await subscribed(client, topic);
    next.answerAll();
    await eventually(async () => (await pending()) === "0");
    expect(new Set(next.texts)).toEqual(new Set(["1", "2"]));
  });
});
