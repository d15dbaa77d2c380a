import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { eventually } from "#test/support/eventually.ts";
import { fakeClock } from "#test/support/fake-clock.ts";
import { inMemoryResources } from "#test/support/in-memory-resources.ts";
import { nodeRuntime, type InProcess } from "#test/support/node-runtime.ts";
import { block, drain, type Drainable } from "#targets/node/listen/drain.ts";

const silent = { debug() {}, info() {}, warn() {}, error() {} };
const never = new Promise<void>(() => {});

function drainable(given: Partial<Drainable> & { unhealthy?: Promise<void> } = {}): {
  readonly app: Drainable;
  readonly seen: string[];
} {
  const seen: string[] = [];
  const { unhealthy = never, ...rest } = given;
  const app: Drainable = {
    appId: "a",
    blockShutdownMs: 60_000,
    hosted: {
      stop: async () => void seen.push("callers stopped"),
      stopBlocks: async () => {},
      unhealthy,
    },
    servers: [async () => void seen.push("server drained")],
    ...rest,
  };
  return { app, seen };
}

describe("block", () => {
  it("stops what calls the app at once, then waits for the duration", async () => {
    const clock = fakeClock();
    const { app, seen } = drainable();
    let over = false;
    const blocked = block(app, { clock, log: silent }).then(() => (over = true));
    await clock.advance(59_999);
    expect(seen).toEqual(["callers stopped"]);
    expect(over).toBe(false);
    await clock.advance(1);
    await blocked;
    expect(clock.sleepers).toBe(0);
  });
  it("ends as soon as the app is unhealthy, at once where it is already", async () => {
    const clock = fakeClock();
    const unwell = Promise.withResolvers<void>();
    const first = block(drainable({ unhealthy: unwell.promise }).app, { clock, log: silent });
    await clock.advance(1000);
    unwell.resolve();
    await first;
    await block(drainable({ unhealthy: Promise.resolve() }).app, { clock, log: silent });
    expect(clock.sleepers).toBe(0);
  });
  it("does nothing without a duration, and goes on where stopping fails", async () => {
    const clock = fakeClock();
    const none = drainable({ blockShutdownMs: 0 });
    await block(none.app, { clock, log: silent });
    expect(none.seen).toEqual([]);
    const stopBlocks = async (): Promise<void> => {};
    const hosted = { stop: () => Promise.reject(new Error("no")), stopBlocks, unhealthy: never };
    const failing = block(drainable({ hosted }).app, { clock, log: silent });
    await clock.advance(60_000);
    await failing;
  });
});

describe("drain", () => {
  it("ends callers and servers side by side, also where one fails", async () => {
    const { app, seen } = drainable();
    const servers = [() => Promise.reject(new Error("no")), ...app.servers];
    await drain({ ...app, servers }, { clock: fakeClock() }, 2500);
    expect(seen).toEqual(["callers stopped", "server drained"]);
  });
  it("leaves the API to turns and jobs in flight, for some time", async () => {
    const clock = fakeClock();
    const { app, seen } = drainable();
    const turn = Promise.withResolvers<void>();
    const hosted = { ...app.hosted, stopBlocks: () => turn.promise };
    const first = drain({ ...app, hosted }, { clock }, 2500);
    await clock.advance(1000);
    expect(seen).toEqual(["callers stopped"]);
    turn.resolve();
    await first;
    expect(seen).toEqual(["callers stopped", "server drained"]);
    const hanging = { ...app.hosted, stopBlocks: () => never };
    const second = drain({ ...app, hosted: hanging }, { clock }, 2500);
    await clock.advance(2500);
    await second;
    expect(seen).toHaveLength(4);
  });
});

describe("a runtime that ends", () => {
  let app: Server;
  let appPort: number;
  let isHealthy: boolean;
  let events: number;
  let invocations = 0;
  let received = "";
  let held: ServerResponse[];
  let runtime: InProcess | undefined;
  beforeEach(async () => {
    isHealthy = true;
    events = 0;
    invocations = 0;
    received = "";
    held = [];
    app = createServer((incoming, outgoing) => {
      incoming.on("data", (chunk: Buffer) => (received += chunk.toString()));
      if (incoming.url === "/healthz") outgoing.statusCode = isHealthy ? 200 : 503;
      else if (incoming.url === "/on-order") {
        if (incoming.method === "GET") invocations++;
        else events++;
      } else if (incoming.url === "/slow") return held.push(outgoing);
      else outgoing.statusCode = 404;
      return outgoing.end();
    });
    await new Promise<void>((resolve) => app.listen(0, "127.0.0.1", resolve));
    appPort = (app.address() as AddressInfo).port;
  });
  afterEach(async () => {
    await runtime?.stop().catch(() => {});
    runtime = undefined;
    app.closeAllConnections();
    await new Promise((resolve) => app.close(resolve));
  });
  const subscription = `
apiVersion: dapr.io/v2alpha1
kind: Subscription
metadata: { name: orders }
spec: { pubsubname: pubsub, topic: orders, routes: { default: /on-order } }
---${inMemoryResources}`;
  const url = (path: string): string => `http://127.0.0.1:${runtime?.httpPort}/v1.0/${path}`;
  const publish = async (body = "1"): Promise<number> =>
    (await fetch(url("publish/pubsub/orders"), { method: "POST", body })).status;

  it("keeps its APIs up while it blocks, without subscriptions, until the app is unhealthy", async () => {
    runtime = await nodeRuntime({
      appId: "drained",
      appPort,
      appHealth: { path: "/healthz", intervalMs: 20, timeoutMs: 500, threshold: 1 },
      blockShutdownMs: 600_000,
      inlineResources: [{ name: "all.yaml", text: subscription }],
    });
    // What is declared is listed before the app is healthy, and delivered only once it is.
    await eventually(async () => {
      expect(await publish()).toBe(204);
      return events > 0;
    });
    const stopped = runtime.stop();
    expect(await publish("too late")).toBe(204);
    const saved = { method: "POST", body: '[{"key":"a","value":1}]' };
    expect((await fetch(url("state/statestore"), saved)).status).toBe(204);
    expect((await fetch(url("invoke/drained/method/on-order"))).status).toBe(200);
    expect(invocations).toBe(1);
    expect(received).not.toContain("too late");
    isHealthy = false;
    await stopped;
    await expect(publish()).rejects.toThrow();
  });
  it("waits for requests in flight, and takes no new ones", async () => {
    runtime = await nodeRuntime({ appId: "drained", appPort, gracefulShutdownMs: 30_000 });
    const slow = fetch(url("invoke/drained/method/slow"));
    await eventually(() => held.length === 1);
    const stopped = runtime.stop();
    await expect(publish()).rejects.toThrow();
    held[0]?.end("late, but there");
    expect(await (await slow).text()).toBe("late, but there");
    await stopped;
  });
  it("cuts off what takes longer than the graceful time, and says so", async () => {
    runtime = await nodeRuntime({ appId: "drained", appPort, gracefulShutdownMs: 50 });
    const slow = fetch(url("invoke/drained/method/slow"));
    const outcome = slow.then(
      () => "answered",
      () => "cut off",
    );
    await eventually(() => held.length === 1);
    await expect(runtime.stop()).rejects.toThrow(
      /timeout exceeded, forcing shutdown: what was still in flight after 0.05 s has been cut off/,
    );
    expect(await outcome).toBe("cut off");
  });
});
