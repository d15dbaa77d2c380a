import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { status } from "@grpc/grpc-js";
import { afterEach, describe, expect, it } from "vitest";
import { eventually } from "#test/support/eventually.ts";
import { type WireClient, wireClient } from "#test/support/grpc-client.ts";
import { type InProcess, nodeRuntime } from "#test/support/node-runtime.ts";
import { type SubscriptionStream, subscriptionStream } from "#test/support/subscription-stream.ts";

const broker = (redeliverInterval: string): string =>
  `apiVersion: dapr.io/v1alpha1\nkind: Component\nmetadata: { name: pubsub }\nspec: { type: pubsub.in-memory, version: v1, metadata: [{ name: redeliverInterval, value: ${redeliverInterval} }] }\n`;

let folder: string;
let runtime: InProcess;
let client: WireClient;
let stopped: Promise<void> | undefined;
async function start(): Promise<void> {
  folder = mkdtempSync(join(tmpdir(), "outrigger-streams-"));
  mkdirSync(join(folder, "resources"));
  write(broker("30s"));
  runtime = await nodeRuntime({
    inlineResources: [],
    resourcesPaths: [join(folder, "resources")],
  });
  stopped = undefined;
  client = wireClient(runtime.grpcPort);
}
const write = (text: string): void => writeFileSync(join(folder, "resources", "broker.yaml"), text);
const stop = (): Promise<void> => (stopped ??= runtime.stop());
afterEach(async () => {
  client[Symbol.dispose]();
  await stop();
  rmSync(folder, { recursive: true, force: true });
});

async function subscribed(topic = "t"): Promise<SubscriptionStream> {
  const stream = subscriptionStream(client.client);
  stream.subscribe("pubsub", topic);
  await stream.started();
  return stream;
}
const publish = (text: string, topic = "t") =>
  client.unary("PublishEvent", {
    pubsubName: "pubsub",
    topic,
    data: new TextEncoder().encode(text),
    dataContentType: "text/plain",
  });
/** Ids of the events that have come. */
const idsOf = ({ received }: SubscriptionStream): readonly string[] =>
  received.flatMap((said) => (said.case === "eventMessage" ? [said.value.id] : []));

// The official SDKs subscribe again after UNKNOWN and UNAVAILABLE, and give up after any other status.
describe("a subscription stream ends", () => {
  const unknown = (details: string) => ({ code: status.UNKNOWN, details });

  it("with UNKNOWN when its component changes, and the client may subscribe again at once", async () => {
    await start();
    const stream = await subscribed();
    write(broker("20s"));
    expect(await stream.ended).toEqual(unknown("stream closed"));
    const again = await subscribed();
    again.answerAll();
    await publish("after");
    await eventually(() => again.texts.includes("after"));
  });
  it("with UNKNOWN when its component is removed", async () => {
    await start();
    const stream = await subscribed();
    write("");
    expect(await stream.ended).toEqual(unknown("stream closed"));
    const again = subscriptionStream(client.client);
    again.subscribe("pubsub", "t");
    expect((await again.ended).details).toBe("pubsub pubsub is not found");
  });
  it("with UNKNOWN when the runtime stops, after what is in hand was answered", async () => {
    await start();
    const [idle, busy] = [await subscribed("idle"), await subscribed("busy")];
    await publish("in hand", "busy");
    await eventually(() => busy.texts.length === 1);
    void stop();
    expect(await idle.ended).toEqual(unknown("stream closed"));
    busy.answer(idsOf(busy)[0] as string);
    expect(await busy.ended).toEqual(unknown("stream closed"));
  });
  it("with UNKNOWN when the runtime stops before the client has said anything", async () => {
    await start();
    const [silent, other] = [subscriptionStream(client.client), await subscribed()];
    void stop();
    expect(await silent.ended).toEqual(unknown("api server closed"));
    expect(await other.ended).toEqual(unknown("stream closed"));
  });
  it("with UNKNOWN when its client says that it has no more to say", async () => {
    await start();
    const [silent, stream] = [subscriptionStream(client.client), await subscribed()];
    silent.hangUp();
    stream.hangUp();
    expect(await silent.ended).toEqual(unknown("EOF"));
    expect(await stream.ended).toEqual(unknown("EOF"));
  });
  it("with the reason when its client subscribes a second time", async () => {
    await start();
    const stream = await subscribed();
    stream.subscribe("pubsub", "t");
    expect(await stream.ended).toEqual(unknown("duplicate initial request received"));
  });
});

it("every stream of an app gets every event of an in-memory topic, also beside each other", async () => {
  await start();
  const streams = [await subscribed(), await subscribed(), await subscribed()];
  for (const stream of streams) stream.answerAll();
  const texts = Array.from({ length: 100 }, (_, i) => String(i));
  for (const text of texts) await publish(text);
  for (const stream of streams) {
    await eventually(() => stream.texts.length >= texts.length);
    expect(stream.texts).toEqual(texts);
  }
});
