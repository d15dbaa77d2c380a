import { mkdirSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { status } from "@grpc/grpc-js";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  StateStore,
  TransactionalStateStore,
  TransactionalStoreMultiMaxSize,
} from "#core/wire/grpc/gen/dapr/proto/components/v1/state_pb.js";
import {
  grpcFailure,
  type Peer,
  startPeer,
  testBroker,
  type TestBroker,
  testEvents,
  type TestEvents,
} from "#test/doubles/pluggable-peer.ts";
import type { Ack, Deliver } from "#core/ports/pub-sub.ts";
import { socketsFolder } from "#test/pluggable/component.ts";
import { discover } from "#test/pluggable/open.ts";
import { eventually } from "#test/support/eventually.ts";
import { type InProcess, nodeRuntime } from "#test/support/node-runtime.ts";

const component = (name: string, type: string, direction?: string): string =>
  JSON.stringify({
    apiVersion: "dapr.io/v1alpha1",
    kind: "Component",
    metadata: { name },
    spec: {
      type,
      version: "v1",
      metadata: direction ? [{ name: "direction", value: direction }] : [],
    },
  });
const subscription = JSON.stringify({
  apiVersion: "dapr.io/v2alpha1",
  kind: "Subscription",
  metadata: { name: "sub" },
  spec: { pubsubname: "broker", topic: "t", routes: { default: "/on-event" } },
});
/** A message as a broker has it: an event of its own. */
const message = (id: string) => ({
  id,
  topicName: "t",
  data: new TextEncoder().encode(
    JSON.stringify({ specversion: "1.0", id, source: "s", type: "t", data: id }),
  ),
});

/** An app that answers when it is told to. */
interface HoldingApp {
  readonly port: number;
  /** Paths of the calls that have come. */
  readonly calls: readonly string[];
  /** Answers what waits and all that comes. */
  release(): void;
  readonly server: Server;
}
async function holdingApp(): Promise<HoldingApp> {
  const calls: string[] = [];
  const waiting: Array<() => void> = [];
  let isReleased = false;
  const server = createServer((request, response) => {
    request.resume();
    if (request.method !== "POST") return void response.writeHead(404).end();
    calls.push(request.url ?? "");
    const answer = (): void => void response.end("{}");
    if (isReleased) answer();
    else waiting.push(answer);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    calls,
    release: () => {
      isReleased = true;
      for (const answer of waiting.splice(0)) answer();
    },
    server,
  };
}

let folder: string;
let app: HoldingApp;
let peer: Peer | undefined;
let runtime: InProcess | undefined;
let stopping: Promise<void> | undefined;
beforeEach(async () => {
  folder = socketsFolder();
  app = await holdingApp();
});
afterEach(async () => {
  app.release();
  await stop();
  runtime = undefined;
  stopping = undefined;
  await peer?.[Symbol.asyncDispose]();
  app.server.closeAllConnections();
  app.server.close();
  await rm(folder, { recursive: true, force: true });
});
const stop = (): Promise<void> => (stopping ??= runtime?.stop() ?? Promise.resolve());
const write = (text: string): void => writeFileSync(join(folder, "resources", "all.yaml"), text);

async function start(
  offered: ReadonlyArray<Parameters<typeof startPeer>[1][number]>,
  documents: readonly string[],
): Promise<InProcess> {
  const sockets = join(folder, "sockets");
  mkdirSync(sockets);
  mkdirSync(join(folder, "resources"));
  write(documents.join("\n---\n"));
  peer = await startPeer(join(sockets, "peer.sock"), offered);
  return (runtime = await nodeRuntime(
    {
      appPort: app.port,
      gracefulShutdownMs: 20_000,
      inlineResources: [],
      resourcesPaths: [join(folder, "resources")],
    },
    { DAPR_COMPONENTS_SOCKETS_FOLDER: sockets },
  ));
}

describe("a message of a pluggable broker that the app has in hand", () => {
  const inHand = async (broker: TestBroker): Promise<void> => {
    await start([broker.offered], [component("broker", "pubsub.peer"), subscription]);
    await broker.isOpen();
    broker.send(message("1"));
    await eventually(() => app.calls.length === 1, { what: "the first delivery" });
  };

  it("is acknowledged when the runtime stops, and what comes later is not answered", async () => {
    const broker = testBroker({
      pause: () => Promise.reject(grpcFailure(status.UNIMPLEMENTED, "not a broker for that")),
    });
    await inHand(broker);
    const stopped = stop();
    await eventually(() => broker.heard.includes("pause"));
    broker.send(message("2"));
    app.release();
    await stopped;
    expect(broker.heard).toEqual(["pause", "ack 1", "end"]);
    expect(app.calls).toHaveLength(1);
  });
  it("is acknowledged when its component is removed, which is not paused for that", async () => {
    const broker = testBroker({ pause: () => ({}) });
    await inHand(broker);
    write("");
    const answer = async (): Promise<readonly unknown[]> =>
      (
        (await (await fetch(`http://127.0.0.1:${runtime?.httpPort}/v1.0/metadata`)).json()) as {
          readonly components?: readonly unknown[];
        }
      ).components ?? [];
    await eventually(async () => (await answer()).length === 0, { what: "the reload" });
    app.release();
    await eventually(() => broker.heard.includes("end"), { what: "the end of the stream" });
    expect(broker.heard).toEqual(["ack 1", "end"]);
  });
  it("is acknowledged after a pause, and so is what the broker had handed out before it", async () => {
    const broker: TestBroker = testBroker({
      pause: () => {
        broker.send(message("2"));
        return {};
      },
    });
    await inHand(broker);
    const stopped = stop();
    await eventually(() => broker.heard.includes("pause"));
    app.release();
    await stopped;
    expect(broker.heard).toEqual(["pause", "ack 1", "ack 2", "end"]);
  });
  it("is acknowledged where the broker fails to pause", async () => {
    const broker = testBroker({
      pause: () => Promise.reject(grpcFailure(status.INTERNAL, "not now")),
    });
    await inHand(broker);
    const stopped = stop();
    await eventually(() => broker.heard.includes("pause"));
    app.release();
    await stopped;
    expect(broker.heard).toEqual(["pause", "ack 1", "end"]);
  });
  it("is acknowledged before its link closes", async () => {
    const broker = testBroker();
    peer = await startPeer(join(folder, "peer.sock"), [broker.offered]);
    const port = await (await discover(folder)).open("pubsub", "broker");
    const { promise: answered, resolve: answer } = Promise.withResolvers<readonly Ack[]>();
    let isInHand = false;
    const deliver: Deliver = () => {
      isInHand = true;
      return answered;
    };
    const wanted = { topic: "t", consumerId: "app", metadata: {} };
    await port.subscribe?.(wanted, deliver, new AbortController());
    await broker.isOpen();
    broker.send(message("1"));
    await eventually(() => isInHand);
    const closed = port[Symbol.asyncDispose]();
    answer(["done"]);
    await closed;
    await eventually(() => broker.heard.includes("end"));
    expect(broker.heard).toEqual(["ack 1", "end"]);
  });
});

describe("an event of a pluggable input binding", () => {
  const inHand = async (events: TestEvents): Promise<void> => {
    await start([events.offered], [component("events", "bindings.peer", "input")]);
    await events.isOpen();
    events.send({ messageId: "1" });
    await eventually(() => app.calls.length === 1, { what: "the first event" });
  };
  const refusal = (messageId: string) => ({
    messageId,
    responseError: { message: "input binding is closed" },
  });

  it("that the app has in hand is answered when the runtime stops, and what comes then is refused", async () => {
    const events = testEvents();
    await inHand(events);
    const stopped = stop();
    events.send({ messageId: "2" });
    await eventually(() => events.answers.length === 1);
    app.release();
    await eventually(() => events.answers.length === 2);
    events.send({ messageId: "3" });
    await eventually(() => events.answers.length === 3);
    await stopped;
    expect(events.answers).toMatchObject([refusal("2"), { messageId: "1" }, refusal("3")]);
    expect(events.answers[1]?.responseError).toBeUndefined();
    expect(app.calls).toHaveLength(1);
  });
});

describe("a pluggable state store that does not say how large a transaction may be", () => {
  const store = {
    service: StateStore,
    unary: { init: () => ({}), features: () => ({ features: ["TRANSACTIONAL"] }) },
  };
  const transacts = { service: TransactionalStateStore, unary: { transact: () => ({}) } };
  const transaction = async (): Promise<number> => {
    const operations = [{ operation: "upsert", request: { key: "k", value: 1 } }];
    const url = `http://127.0.0.1:${runtime?.httpPort}/v1.0/state/store/transaction`;
    return (await fetch(url, { method: "POST", body: JSON.stringify({ operations }) })).status;
  };

  it("is loaded without being asked, and takes any", async () => {
    let asked = 0;
    const fails = {
      service: TransactionalStoreMultiMaxSize,
      unary: {
        multiMaxSize: () => {
          asked++;
          throw grpcFailure(status.INTERNAL, "no idea");
        },
      },
    };
    await start([store, transacts, fails], [component("store", "state.peer")]);
    expect(asked).toBe(0);
    expect(await transaction()).toBe(204);
    expect(await transaction()).toBe(204);
    expect(asked).toBe(1);
  });
  it("is loaded where it lacks the rpc", async () => {
    const lacks = { service: TransactionalStoreMultiMaxSize };
    await start([store, transacts, lacks], [component("store", "state.peer")]);
    expect(await transaction()).toBe(204);
  });
});
