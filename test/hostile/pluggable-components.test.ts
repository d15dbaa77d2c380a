import { mkdirSync } from "node:fs";
import { rm } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { eventually } from "#test/support/eventually.ts";
import { type InProcess, nodeRuntime } from "#test/support/node-runtime.ts";
import {
  type Peer,
  startPeer,
  testBroker,
  type TestBroker,
  testEvents,
} from "#test/doubles/pluggable-peer.ts";
import { socketsFolder } from "#test/pluggable/component.ts";

const document = (kind: string, name: string, spec: object): string =>
  JSON.stringify({
    apiVersion: kind === "Subscription" ? "dapr.io/v2alpha1" : "dapr.io/v1alpha1",
    kind,
    metadata: { name },
    spec,
  });
const documents = [
  document("Component", "broker", { type: "pubsub.peer", version: "v1" }),
  document("Component", "events", {
    type: "bindings.peer",
    version: "v1",
    metadata: [{ name: "direction", value: "input" }],
  }),
  document("Subscription", "sub", {
    pubsubname: "broker",
    topic: "t",
    routes: { default: "/on-event" },
  }),
].join("\n---\n");
const message = (id: string, data: unknown = id) => ({
  id,
  topicName: "t",
  data: new TextEncoder().encode(
    JSON.stringify({ specversion: "1.0", id, source: "s", type: "t", data }),
  ),
});

let folder: string;
let app: Server;
let runtime: InProcess;
let peer: Peer;
/** Paths of the app's calls, and how to answer those that wait. */
const calls: string[] = [];
const waiting: Array<() => void> = [];
let holds: boolean;
beforeEach(async () => {
  folder = socketsFolder();
  mkdirSync(join(folder, "sockets"));
  calls.length = 0;
  holds = false;
  app = createServer((request, response) => {
    request.resume();
    if (request.method !== "POST") return void response.writeHead(404).end();
    calls.push(request.url ?? "");
    const answer = (): void => void response.end("{}");
    if (holds) waiting.push(answer);
    else answer();
  });
  await new Promise<void>((resolve) => app.listen(0, "127.0.0.1", resolve));
});
afterEach(async () => {
  release();
  await runtime.stop();
  await peer[Symbol.asyncDispose]();
  app.closeAllConnections();
  app.close();
  await rm(folder, { recursive: true, force: true });
});
function release(): void {
  holds = false;
  for (const answer of waiting.splice(0)) answer();
}
const socket = (): string => join(folder, "sockets", "peer.sock");
type Offered = Parameters<typeof startPeer>[1];

async function start(offered: Offered): Promise<void> {
  peer = await startPeer(socket(), offered);
  runtime = await nodeRuntime(
    {
      appPort: (app.address() as AddressInfo).port,
      gracefulShutdownMs: 10_000,
      inlineResources: [{ name: "all.yaml", text: documents }],
    },
    { DAPR_COMPONENTS_SOCKETS_FOLDER: join(folder, "sockets") },
  );
}
async function startBoth(broker: TestBroker): Promise<void> {
  const events = testEvents();
  await start([broker.offered, events.offered]);
  await broker.isOpen();
  await events.isOpen();
}

describe("a component's process", () => {
  it("that vanishes while the app has its message gets the message's answer when it hands it out again", async () => {
    const first = testBroker();
    await startBoth(first);
    holds = true;
    first.send(message("1"));
    await eventually(() => calls.length === 1);
    await peer.vanish();
    const second = testBroker();
    peer = await startPeer(socket(), [second.offered, testEvents().offered]);
    await second.isOpen();
    release();
    second.send(message("1"));
    await eventually(() => second.heard.includes("ack 1"));
    expect(first.answers).toEqual([]);
    expect(calls).toEqual(["/on-event", "/on-event"]);
  });
  it("that vanishes with an event at the app is read again once it is back", async () => {
    const [first, second] = [testEvents(), testEvents()];
    await start([testBroker().offered, first.offered]);
    await first.isOpen();
    holds = true;
    first.send({ messageId: "1" });
    await eventually(() => calls.length === 1);
    await peer.vanish();
    peer = await startPeer(socket(), [testBroker().offered, second.offered]);
    await second.isOpen();
    release();
    second.send({ messageId: "1" });
    await eventually(() => second.answers.length === 1);
  });
  it("that vanishes, again and again, while messages are in hand is connected to each time", async () => {
    let broker = testBroker();
    await startBoth(broker);
    for (let round = 0; round < 3; round++) {
      holds = true;
      const before = calls.length;
      broker.send(message(String(round)));
      await eventually(() => calls.length > before);
      await peer.vanish();
      broker = testBroker();
      peer = await startPeer(socket(), [broker.offered, testEvents().offered]);
      release();
      await broker.isOpen();
    }
    broker.send(message("last"));
    await eventually(() => broker.heard.includes("ack last"));
  });
  it("that has vanished, or does not answer Pause, does not hold up the end", async () => {
    const silent = testBroker({ pause: () => new Promise(() => {}) });
    await startBoth(silent);
    holds = true;
    silent.send(message("1"));
    await eventually(() => calls.length === 1);
    const stopped = runtime.stop();
    await eventually(() => silent.heard.includes("pause"));
    await peer.vanish();
    release();
    await stopped;
  });
  it("that sends what is not an event, ids that are there twice and empty messages gets an answer to each", async () => {
    const broker = testBroker();
    await startBoth(broker);
    broker.send({ id: "no json", topicName: "t", data: Uint8Array.of(0xff, 0x00) });
    broker.send({ id: "nothing", topicName: "t" });
    broker.send({});
    broker.send(message("twice"));
    broker.send(message("twice"));
    broker.send(message("big", "x".repeat(1_000_000)));
    broker.send(message("last"));
    await eventually(() => broker.heard.includes("ack last"));
    expect(broker.heard).toEqual([
      "nack no json",
      "nack nothing",
      "nack ",
      "ack twice",
      "ack twice",
      "ack big",
      "ack last",
    ]);
  });
  it("that hands out everything it has waits for the app, message by message", async () => {
    const broker = testBroker();
    await startBoth(broker);
    holds = true;
    for (let i = 0; i < 500; i++) broker.send(message(String(i)));
    await eventually(() => calls.length === 1);
    release();
    await eventually(() => broker.heard.length === 500);
    expect(broker.heard).toEqual(Array.from({ length: 500 }, (_, i) => `ack ${i}`));
  });
});
