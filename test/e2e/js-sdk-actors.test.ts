import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { promisify } from "node:util";
import {
  ActorId,
  ActorProxyBuilder,
  CommunicationProtocolEnum,
  DaprClient,
  LogLevel,
} from "@dapr/dapr";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventually } from "#test/support/eventually.ts";
import { freePort } from "#test/support/free-port.ts";
import { callerSidecar, machine, type Replica, replica } from "#test/support/replicas.ts";
import type { SidecarProcess } from "#test/support/sidecar.ts";
import type { Alarm, Cart, Counter } from "./js/durable-app.ts";

const app = join(import.meta.dirname, "js/durable-app.ts");
const outrigger = join(import.meta.dirname, "../../bin/outrigger.mjs");
const here = machine();
/** The SDK takes an actor's type from the name of its class, which is all that callers need. */
const types = {
  Counter: class Counter {},
  Cart: class Cart {},
  Alarm: class Alarm {},
  Clock: class Clock {},
};
type Protocol = "http" | "grpc";

let shops: readonly Replica[] = [];
let caller: SidecarProcess;
let clients: Readonly<Record<Protocol, DaprClient>>;

beforeAll(async () => {
  const start = (appId: string, env = {}): Promise<Replica> =>
    replica({
      machine: here,
      args: ["--app-id", appId, "--resources-path", here.resources],
      program: [process.execPath, app],
      env,
    });
  const [first, second, , other] = await Promise.all([
    start("shop"),
    start("shop"),
    start("clock", { SDK_PROTOCOL: "grpc" }),
    // Without a store: who owns its actors is kept elsewhere.
    callerSidecar(here, ["--app-id", "caller"]),
  ]);
  shops = [first, second];
  caller = other;
  const client = (protocol: Protocol): DaprClient =>
    new DaprClient({
      daprHost: "127.0.0.1",
      daprPort: String(protocol === "http" ? caller.httpPort : caller.grpcPort),
      communicationProtocol:
        protocol === "http" ? CommunicationProtocolEnum.HTTP : CommunicationProtocolEnum.GRPC,
      logger: { level: LogLevel.Error },
    });
  clients = { http: client("http"), grpc: client("grpc") };
});
afterAll(async () => {
  await Promise.all([clients?.http.stop(), clients?.grpc.stop()]);
  await here[Symbol.asyncDispose]();
});

function actor<T>(
  type: keyof typeof types,
  { id = randomUUID(), protocol = "http" as Protocol } = {},
): T {
  const builder = new ActorProxyBuilder<T>(types[type] as new () => T, clients[protocol]);
  return builder.build(new ActorId(id));
}
async function seenBy(replicas: readonly Replica[]): Promise<readonly string[]> {
  const all = replicas.map(async ({ appPort }) => {
    const response = await fetch(`http://127.0.0.1:${appPort}/seen`);
    return (await response.json()) as readonly string[];
  });
  return (await Promise.all(all)).flat();
}
const jobs = (name: string, init?: RequestInit): Promise<Response> =>
  fetch(`http://127.0.0.1:${shops[0]?.runtime.httpPort}/v1.0-alpha1/jobs/${name}`, init);
const schedule = (name: string, job: object): Promise<Response> =>
  jobs(name, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(job),
  });
const runs = async (replicas: readonly Replica[], name: string): Promise<readonly string[]> =>
  (await seenBy(replicas)).filter((each) => each.startsWith(`${name} `));
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** The official JavaScript SDK: two replicas of an app, called from another app. */
describe("actors of @dapr/dapr", () => {
  describe.each(["http", "grpc"] as const)("called over %s", (protocol) => {
    it("calls an actor, which keeps its state", async () => {
      const counter = actor<Counter>("Counter", { id: `Zoë ${randomUUID()} || @1`, protocol });
      expect(await counter.increment()).toBe(1);
      expect(await counter.increment()).toBe(2);
    });
    it("creates an actor with a random id", async () => {
      const type = types.Counter as unknown as new () => Counter;
      const counter = clients[protocol].actor.create<Counter>(type);
      expect(await counter.increment()).toBe(1);
    });
    it("gets the error of an actor", async () => {
      const counter = actor<Counter>("Counter", { protocol });
      await expect(counter.fail()).rejects.toThrow(/error from actor service/);
    });
    it("calls an actor that calls another actor", async () => {
      const id = randomUUID();
      expect(await actor<Counter>("Counter", { id, protocol }).passOn()).toBe(2);
      expect(await actor<Counter>("Counter", { id: `${id}-next`, protocol }).increment()).toBe(3);
    });
  });

  it("runs the calls of one actor one after the other", async () => {
    const counter = actor<Counter>("Counter");
    await Promise.all(Array.from({ length: 20 }, (_, i) => counter.count(i)));
    expect(await counter.count(0)).toBe(190);
  });
  it("spreads actors over both replicas, each on one", async () => {
    const ids = Array.from({ length: 24 }, () => randomUUID());
    const where = (protocol: Protocol): Promise<readonly string[]> =>
      Promise.all(ids.map((id) => actor<Counter>("Counter", { id, protocol }).where()));
    // Actors move while a replica joins. Over gRPC the SDK reads the answer as a number.
    await eventually(async () => {
      const [first, second] = [await where("http"), await where("grpc")];
      return new Set(first).size === 2 && String(first) === String(second);
    });
  });
  it("writes, reads and removes state through the state manager", async () => {
    const cart = actor<Cart>("Cart");
    expect(await cart.hasItems()).toBe(false);
    expect(await cart.fill()).toEqual({ before: false, after: true });
    await cart.fill();
    const items = [{ sku: "lamp", n: 2 }];
    expect(await cart.show()).toEqual({ items, owner: "Zoë", visits: 2, hasCoupon: false });
    await expect(cart.missing()).rejects.toThrow(/error from actor service/);
    expect(await cart.empty()).toBe(true);
    expect(await cart.hasItems()).toBe(false);
  });
  it("deactivates an idle actor, which finds its state again", async () => {
    const id = randomUUID();
    const counter = actor<Counter>("Counter", { id });
    await counter.count(7);
    await eventually(async () => (await seenBy(shops)).includes(`deactivated ${id}`));
    expect(await counter.count(1)).toBe(8);
    const activations = (await seenBy(shops)).filter((each) => each === `activated ${id}`);
    expect(activations).toHaveLength(2);
  });
  it.each([
    ["Alarm", "http", "tock", "wake up"],
    // What is registered as bytes arrives in base64.
    ["Clock", "grpc", btoa("tock"), btoa("wake up")],
  ] as const)(
    "calls back timers and reminders of an %s over %s until they are unregistered",
    async (type, _, tick, ring) => {
      const alarm = actor<Alarm>(type);
      await Promise.all([alarm.setTimer(), alarm.setReminder()]);
      await eventually(async () => (await alarm.ticks()).length >= 2);
      await eventually(async () => (await alarm.rings()).length >= 2);
      await Promise.all([alarm.stopTimer(), alarm.stopReminder()]);
      const before = [await alarm.ticks(), await alarm.rings()];
      await pause(type === "Clock" ? 1200 : 400);
      expect([await alarm.ticks(), await alarm.rings()]).toEqual(before);
      expect(before.map((each) => [...new Set(each)])).toEqual([[tick], [ring]]);
    },
  );
});

/** As a quickstart does it: HTTP alone, by an app that runs elsewhere. */
describe("jobs of a JavaScript app", () => {
  it("schedules, reads and runs a job once", async () => {
    const data = { value: "R2-D2:Oil Change" };
    expect((await schedule("R2-D2", { data, dueTime: "1s" })).status).toBe(204);
    const job = (await (await jobs("R2-D2")).json()) as object;
    expect(job).toMatchObject({ name: "R2-D2", dueTime: "1s", data: { value: data } });
    await eventually(async () => (await runs(shops, "R2-D2")).length === 1);
    expect(await runs(shops, "R2-D2")).toEqual([`R2-D2 ${JSON.stringify(data)}`]);
    await eventually(async () => (await jobs("R2-D2")).status === 500, { what: "no job" });
  });
  it("runs a job as often as it is to be repeated, in one replica each time", async () => {
    await schedule("every", { data: { n: 1 }, schedule: "@every 100ms", repeats: 5 });
    await eventually(async () => (await jobs("every")).status === 500, { what: "no job" });
    expect(await runs(shops, "every")).toEqual(Array.from({ length: 5 }, () => `every {"n":1}`));
  });
  it("shares the runs of a job between the replicas until it is deleted", async () => {
    await schedule("every", { data: { n: 2 }, schedule: "@every 100ms" });
    const shared = async (): Promise<boolean> => {
      const each = await Promise.all(shops.map((shop) => runs([shop], "every")));
      return each.every((all) => all.includes(`every {"n":2}`));
    };
    await eventually(shared, { withinMs: 20_000 });
    expect((await jobs("every", { method: "DELETE" })).status).toBe(204);
    await pause(100);
    const before = await runs(shops, "every");
    await pause(300);
    expect(await runs(shops, "every")).toEqual(before);
  });
  it("tries a failed run again", async () => {
    const failurePolicy = { constant: { interval: "0.1s", maxRetries: 5 } };
    await schedule("flaky", { dueTime: "0s", failurePolicy });
    await eventually(async () => (await runs(shops, "flaky")).length > 0);
  });
});

describe("a replica of @dapr/dapr that ends", () => {
  it("leaves its actors, their state and reminders, and its jobs to the other", async () => {
    const ids = Array.from({ length: 8 }, () => randomUUID());
    const alarms = ids.map((id) => actor<Alarm>("Alarm", { id }));
    await Promise.all(alarms.map((alarm) => alarm.setReminder()));
    await Promise.all(alarms.map((alarm) => eventually(async () => (await alarm.ringsEver()) > 0)));
    await schedule("every", { data: { n: 3 }, schedule: "@every 200ms" });
    const [ends, stays] = shops as [Replica, Replica];
    expect(new Set(await Promise.all(alarms.map((alarm) => alarm.where()))).size).toBe(2);
    const calls = Promise.all(alarms.map((alarm) => alarm.ringsEver()));
    await ends.stop();
    await calls;
    const ran = await runs([stays], "every");
    const rings = await Promise.all(alarms.map((alarm) => alarm.ringsEver()));
    await Promise.all(
      alarms.map((alarm, i) =>
        eventually(async () => (await alarm.ringsEver()) > (rings[i] as number) + 1),
      ),
    );
    const where = await Promise.all(alarms.map((alarm) => alarm.where()));
    expect(new Set(where.map(String))).toEqual(new Set([stays.appPort]));
    await eventually(async () => (await runs([stays], "every")).length > ran.length + 1);
    await Promise.all(alarms.map((alarm) => alarm.stopReminder()));
  });
});

describe("outrigger run", () => {
  it("runs an app with actors without flags, services or resources", async () => {
    await using alone = machine();
    const [port, httpPort, grpcPort] = [await freePort(), await freePort(), await freePort()];
    const ports = ["-p", port, "-H", httpPort, "-G", grpcPort, "--metrics-port", 0].map(String);
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [outrigger, "run", "--app-id", "first", ...ports, "--", process.execPath, app, "try"],
      { cwd: alone.folder, env: { ...process.env, ...alone.env, HOME: alone.folder } },
    );
    expect(stdout).toContain("counted 1 3");
  });
});
