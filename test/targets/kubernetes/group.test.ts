import type { Socket } from "node:net";
import { PassThrough } from "node:stream";
import { beforeEach, describe, expect, it } from "vitest";
import { createWaitMetrics, type WaitMetrics } from "#targets/kubernetes/wait-metrics.ts";
import type { FromGroup, PodRecord } from "#targets/kubernetes/messages.ts";
import { Group } from "#targets/kubernetes/supervisor/group.ts";
import { groupProcess, type GroupProcessDouble, turn } from "#test/doubles/group-process.ts";
import { type FakeClock, fakeClock } from "#test/support/fake-clock.ts";
import { keptLog } from "#test/support/kept-log.ts";

const pod = (uid: string, namespace = "shop"): PodRecord => ({ uid, namespace }) as PodRecord;
const socket = (): Socket => new PassThrough() as unknown as Socket;

let clock: FakeClock;
let forked: GroupProcessDouble[];
let group: Group;
let waitMetrics: WaitMetrics;
let said: FromGroup[];
let isServing: boolean;
const log = keptLog();
/** The process that was forked last, or the one before that. */
const last = (back = 1): GroupProcessDouble => forked.at(-back) as GroupProcessDouble;
const types = ({ told }: GroupProcessDouble): string[] => told.map(({ type }) => type);

beforeEach(() => {
  clock = fakeClock();
  waitMetrics = createWaitMetrics(clock);
  forked = [];
  said = [];
  isServing = false;
  group = new Group("namespace/shop", {
    clock,
    log,
    waitMetrics,
    fork: (_, onMessage) => {
      const made = groupProcess(forked.length + 1, onMessage);
      forked.push(made);
      return made;
    },
    onMessage: (_, message) => said.push(message),
    documentsOf: () => [],
    isCurrent: () => true,
    isServing: () => isServing,
  });
});

describe("an isolation group", () => {
  it("is told everything once its process takes messages, and nothing before", async () => {
    group.put(pod("a"));
    expect(last().told).toEqual([]);
    await last().start();
    expect(types(last())).toEqual(["documents", "pod", "current"]);
    expect(group.isSettled).toBe(false);
    last().host();
    expect(group.isSettled).toBe(true);
    group.remove("a");
    expect(last().told.at(-1)).toEqual({ type: "pod-gone", uid: "a" });
  });
  it("is told that connections come once the ports are open, and whoever comes after it at once", async () => {
    group.put(pod("a"));
    await last().start();
    isServing = true;
    group.serve();
    expect(types(last()).at(-1)).toBe("serving");
    last().host();
    const renewed = group.renew(10, 5000);
    const next = last();
    await next.start();
    // Connections still go to the former.
    expect(types(next)).not.toContain("serving");
    next.say({ type: "hosted", uid: "a" });
    await renewed;
    expect(types(next).at(-1)).toBe("serving");
    await next.end("signal SIGKILL");
    await clock.advance(5000);
    await last().start();
    expect(types(last())).toContain("serving");
  });
  it("keeps connections until its process is there", async () => {
    const early = socket();
    group.take("http", early, undefined);
    expect(last().handed).toEqual([]);
    await last().start();
    expect(last().handed).toEqual([{ port: "http", socket: early }]);
    group.take("http", socket(), undefined);
    expect(waitMetrics.text()).toContain('outrigger_held_calls_total{reason="group"} 1\n');
  });
  it("keeps no more than 1,000 of them", () => {
    const all = Array.from({ length: 1001 }, socket);
    for (const each of all) group.take("http", each, undefined);
    expect(all.map(({ destroyed }) => destroyed).lastIndexOf(false)).toBe(999);
    expect(all.at(-1)?.destroyed).toBe(true);
  });
});

describe("a process that ends by itself", () => {
  it("is followed by another, at once after a long life", async () => {
    await last().start();
    await clock.advance(11_000);
    await last().end("exit code 1");
    expect(forked).toHaveLength(2);
    expect(group.restarts).toBe(1);
  });
  it("again and again is followed later and later, but within five seconds", async () => {
    const pauses: number[] = [];
    for (let i = 0; i < 9; i++) {
      const before = forked.length;
      const died = clock.now();
      await last().end("exit code 1");
      while (forked.length === before) await clock.advance(50);
      pauses.push(clock.now() - died);
    }
    expect(pauses).toEqual([100, 200, 400, 800, 1600, 3200, 5000, 5000, 5000]);
    expect(group.restarts).toBe(9);
  });
  it("leaves connections that it has not taken to the next one", async () => {
    await last().start();
    const left = socket();
    last().back.push({ port: "grpc", socket: left, head: undefined });
    await last().end("signal SIGKILL");
    expect(left.destroyed).toBe(false);
    await clock.advance(100);
    await last().start();
    expect(last().handed).toEqual([{ port: "grpc", socket: left }]);
  });
  it("is told again of everything, and takes the connections that came meanwhile", async () => {
    group.put(pod("a"));
    await last().start();
    await last().end("signal SIGKILL");
    const meanwhile = socket();
    group.take("grpc", meanwhile, undefined);
    group.put(pod("b"));
    group.remove("a");
    await clock.advance(100);
    await last().start();
    expect(last().told.filter(({ type }) => type === "pod")).toEqual([
      { type: "pod", pod: pod("b") },
    ]);
    expect(last().handed).toEqual([{ port: "grpc", socket: meanwhile }]);
  });
  it("counts as such when it never starts", async () => {
    await clock.advance(60_000);
    expect(forked[0]?.isKilled).toBe(true);
    await clock.advance(100);
    expect(forked.length).toBeGreaterThan(1);
    expect(log.of("error").join()).toContain("it is started again");
  });
});

describe("a group that is renewed", () => {
  beforeEach(async () => {
    group.put(pod("a"));
    await last().start();
    last().host();
  });
  it("hands over to the new process once that hosts everything, and ends the former after its calls", async () => {
    const renewed = group.renew(10, 5000);
    const [former, next] = [last(2), last()];
    await next.start();
    const early = socket();
    group.take("http", early, undefined);
    expect(former.handed).toEqual([{ port: "http", socket: early }]);
    next.host();
    await renewed;
    const late = socket();
    group.take("http", late, undefined);
    expect(next.handed).toEqual([{ port: "http", socket: late }]);
    expect(former.told.at(-1)).toEqual({ type: "drain", idleMs: 10 });
    expect(former.isKilled).toBe(false);
    await clock.advance(5000);
    expect(former.isKilled).toBe(true);
    expect(group.restarts).toBe(0);
  });
  it("tells both of pods that come and go meanwhile, and the former still of those whose tokens end", async () => {
    const renewed = group.renew(10, 5000);
    const [former, next] = [last(2), last()];
    await next.start();
    group.put(pod("b"));
    group.remove("a");
    for (const each of [former, next])
      expect(each.told.slice(-2)).toEqual([
        { type: "pod", pod: pod("b") },
        { type: "pod-gone", uid: "a" },
      ]);
    next.say({ type: "hosted", uid: "b" });
    await renewed;
    group.remove("b");
    expect(former.told.at(-1)).toEqual({ type: "pod-gone", uid: "b" });
  });
  it("is heard of its apps once it has taken over, and not if it never does", async () => {
    said = [];
    const failed: FromGroup = { type: "components", uid: "a", components: [] };
    const dies = group.renew(10, 5000);
    await last().start();
    last().say(failed);
    await last().end("exit code 1");
    await dies;
    expect(said).toEqual([]);
    const renewed = group.renew(10, 5000);
    const [former, next] = [last(2), last()];
    await next.start();
    next.say(failed);
    next.say({ type: "ask", id: 1, question: "jwks", about: {} });
    expect(said.map(({ type }) => type)).toEqual(["ask"]);
    next.say({ type: "hosted", uid: "a" });
    await renewed;
    expect(said.map(({ type }) => type)).toEqual(["ask", "components", "hosted"]);
    former.say(failed);
    expect(said).toHaveLength(3);
  });
  it("stays on what it has when the new process does not start, or dies", async () => {
    const dies = group.renew(10, 5000);
    await last().end("exit code 1");
    await dies;
    const hangs = group.renew(10, 5000);
    await clock.advance(30_000);
    await hangs;
    expect(last().isKilled).toBe(true);
    expect(group.pid).toBe(1);
    group.take("http", socket(), undefined);
    expect(forked[0]?.handed).toHaveLength(1);
    expect(log.of("error").join("\n")).toMatch(/stays on the process that it has: exit code 1/);
    // What asked for it does not ask again.
    const tries = forked.length;
    await clock.advance(120_000);
    expect(forked).toHaveLength(tries + 1);
    await last().start();
    for (const uid of group.pods.keys()) last().say({ type: "hosted", uid });
    await clock.advance(0);
    expect(group.pid).toBe(last().pid);
    await clock.advance(3_600_000);
    expect(forked).toHaveLength(tries + 1);
  });
  it("takes over without the apps that do not get up, after a while", async () => {
    const renewed = group.renew(10, 5000);
    await last().start();
    await clock.advance(30_000);
    await renewed;
    expect(group.pid).toBe(2);
  });
  it("twice at once ends with the last version", async () => {
    const first = group.renew(10, 5000);
    const second = group.renew(10, 5000);
    await last().start();
    last().host();
    await turn();
    expect(forked).toHaveLength(3);
    await last().start();
    last().host();
    await Promise.all([first, second]);
    expect(group.pid).toBe(3);
  });
  it("while its process dies has one in the end, and loses no connection that came meanwhile", async () => {
    const renewed = group.renew(10, 5000);
    const [former, next] = [last(2), last()];
    await former.end("signal SIGKILL");
    const meanwhile = socket();
    group.take("http", meanwhile, undefined);
    await next.start();
    next.host();
    await renewed;
    await clock.advance(10_000);
    await last().start();
    const all = forked.flatMap(({ handed }) => handed);
    expect(all).toEqual([{ port: "http", socket: meanwhile }]);
    expect(forked.filter(({ isKilled }, i) => !isKilled && i > 0)).toHaveLength(1);
  });
});

describe("a group that ends", () => {
  it("lets calls end, for so long", async () => {
    await last().start();
    const drained = group.drain(100, 5000);
    await turn();
    expect(last().told.at(-1)).toEqual({ type: "drain", idleMs: 100 });
    await clock.advance(4999);
    expect(last().isKilled).toBe(false);
    await clock.advance(1);
    await drained;
    expect(last().isKilled).toBe(true);
    expect(forked).toHaveLength(1);
  });
  it("does not wait for a process that is starting, and keeps no connection", async () => {
    const early = socket();
    group.take("http", early, undefined);
    await group.drain(100, 5000);
    expect(last().isKilled).toBe(true);
    expect(early.destroyed).toBe(true);
    const late = socket();
    group.take("http", late, undefined);
    expect(late.destroyed).toBe(true);
    expect(forked).toHaveLength(1);
  });
  it("while it is renewed leaves no process behind", async () => {
    await last().start();
    const renewed = group.renew(10, 5000);
    await last().start();
    const drained = group.drain(0, 1000);
    await clock.advance(1000);
    await Promise.all([renewed, drained]);
    expect(forked.map(({ isKilled }) => isKilled)).toEqual([true, true]);
  });
});
