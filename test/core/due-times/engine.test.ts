import { describe, expect, it } from "vitest";
import { createDueTimes } from "#components/in-memory/due-times.ts";
import type { DueHandler } from "#core/due-times/engine.ts";
import { fakeClock } from "#test/support/fake-clock.ts";
import { call, testEngine } from "./support.ts";

/** A handler that keeps what it ran, and when. */
function recorder(now: () => number, answer: DueHandler = async () => undefined) {
  const ran: Array<{ readonly name: string; readonly at: number }> = [];
  const handler: DueHandler = (entry, options) => {
    ran.push({ name: entry.name, at: now() });
    return answer(entry, options);
  };
  return { ran, handler, names: () => ran.map(({ name }) => name) };
}
/** A handler whose runs end when the test says so. */
function held() {
  const ends: Array<() => void> = [];
  const handler: DueHandler = () => new Promise((done) => ends.push(() => done(undefined)));
  return { ends, handler };
}

describe("due times run", () => {
  it("at their time, to the millisecond, and not before", async () => {
    const { engine, clock, put, get } = testEngine();
    const { ran, handler } = recorder(clock.now);
    const start = clock.now();
    engine.serve("q", handler);
    await put("q", "late", 90_001);
    await put("q", "soon", 250);
    await put("q", "past", -10);
    await clock.advance(249);
    expect(ran).toEqual([{ name: "past", at: start }]);
    await clock.advance(200_000);
    expect(ran.slice(1)).toEqual([
      { name: "soon", at: start + 250 },
      { name: "late", at: start + 90_001 },
    ]);
    expect(await get("q", "late")).toBeUndefined();
    expect(engine.inHand).toBe(0);
  });
  it("when one is put that is due before what was waited for", async () => {
    const { engine, clock, put } = testEngine({ pollMs: 3_600_000 });
    const { ran, handler } = recorder(clock.now);
    engine.serve("q", handler);
    await put("q", "later", 60_000);
    await clock.advance(1000);
    await put("q", "sooner", 10);
    const wanted = clock.now() + 10;
    await clock.advance(20);
    expect(ran).toEqual([{ name: "sooner", at: wanted }]);
  });
  it("again when the handler says so, with the data that it gives", async () => {
    const { engine, clock, put, get } = testEngine();
    const seen: string[] = [];
    engine.serve("q", async (entry) => {
      seen.push(entry.data);
      return seen.length < 3 ? { dueAt: entry.dueAt + 1000, data: `${entry.data}+` } : undefined;
    });
    await put("q", "a", 0, "x");
    await clock.advance(1999);
    expect(seen).toEqual(["x", "x+"]);
    expect(await get("q", "a")).toMatchObject({ data: "x++" });
    await clock.advance(1);
    expect(seen).toEqual(["x", "x+", "x++"]);
    expect(await get("q", "a")).toBeUndefined();
  });
  it("that another process has put, within a second", async () => {
    const { engine, clock, store } = testEngine();
    const { handler, names } = recorder(clock.now);
    engine.serve("q", handler);
    await clock.advance(500);
    await store.put({ queue: "q", owner: "", name: "a", dueAt: 0, data: "" }, true, call);
    await clock.advance(1000);
    expect(names()).toEqual(["a"]);
  });
  it("many at a time, claimed and ended in batches", async () => {
    const { engine, clock, store, put } = testEngine({ mostOfQueue: 1000 });
    const { handler, names } = recorder(clock.now);
    for (let i = 0; i < 600; i++) await put("q", `n${i}`);
    store.calls.length = 0;
    engine.serve("q", handler);
    await clock.advance(1);
    expect(new Set(names()).size).toBe(600);
    const count = (name: string): number => store.calls.filter((each) => each === name).length;
    expect(count("claim")).toBeLessThanOrEqual(5);
    expect(count("complete")).toBeLessThanOrEqual(5);
  });
  it("for several that serve a queue, in turn", async () => {
    const { engine, clock, put } = testEngine();
    const [a, b] = [recorder(clock.now), recorder(clock.now)];
    engine.serve("q", a.handler);
    const serving = engine.serve("q", b.handler);
    for (let i = 0; i < 4; i++) await put("q", `n${i}`, i);
    await clock.advance(10);
    expect([a.ran.length, b.ran.length]).toEqual([2, 2]);
    await serving.stop();
    await put("q", "m");
    await put("q", "n");
    await clock.advance(10);
    expect([a.ran.length, b.ran.length]).toEqual([4, 2]);
  });
  it("once each, where two processes serve a queue", async () => {
    const shared = createDueTimes();
    const clock = fakeClock();
    const engines = [1, 2].map(() => testEngine({ store: shared, clock }));
    const ran: string[] = [];
    for (const { engine } of engines)
      engine.serve("q", async ({ name }) => {
        ran.push(name);
        return undefined;
      });
    for (let i = 0; i < 100; i++) await engines[i % 2]?.put("q", `n${i}`, i);
    await clock.advance(3000);
    expect([...ran].sort()).toEqual(Array.from({ length: 100 }, (_, i) => `n${i}`).sort());
  });
});

describe("the store is left alone", () => {
  it("while nobody serves anything, and no timer runs", async () => {
    const { engine, clock, store, put } = testEngine();
    await put("q", "a", 0);
    store.calls.length = 0;
    await clock.advance(60_000);
    expect(store.calls).toEqual([]);
    expect(clock.sleepers).toBe(0);
    const serving = engine.serve("q", async () => undefined);
    await clock.advance(5000);
    expect(store.calls.length).toBeGreaterThan(2);
    await serving.stop();
    store.calls.length = 0;
    await clock.advance(60_000);
    expect(store.calls).toEqual([]);
    expect(clock.sleepers).toBe(0);
  });
  it("and is asked once a second while nothing is due", async () => {
    const { engine, clock, store } = testEngine();
    engine.serve("q", async () => undefined);
    await clock.advance(0);
    store.calls.length = 0;
    await clock.advance(60_000);
    expect(store.calls).toEqual(Array.from({ length: 60 }, () => "claim"));
  });
  it("and served again, it goes on", async () => {
    const { engine, clock, put } = testEngine();
    const { handler, names } = recorder(clock.now);
    await engine.serve("q", handler).stop();
    const other = engine.serve("other", handler);
    void other.stop();
    engine.serve("q", handler);
    await put("q", "a", 5);
    await clock.advance(10);
    expect(names()).toEqual(["a"]);
  });
});

describe("what goes wrong", () => {
  it("a handler that throws is logged, and the entry comes again after a second", async () => {
    const { engine, clock, log, put } = testEngine();
    const { ran, handler } = recorder(clock.now, async () => {
      if (ran.length < 3) throw new Error("no luck");
      return undefined;
    });
    const start = clock.now();
    engine.serve("q", handler);
    await put("q", "a");
    await clock.advance(10_000);
    expect(ran.map(({ at }) => at - start)).toEqual([0, 1000, 2000]);
    expect(log.of("error")).toEqual([
      "Cannot run what is due: no luck",
      "Cannot run what is due: no luck",
    ]);
  });
  it("a claim that is lost does not cut what runs, nor bring back what was deleted", async () => {
    const { engine, clock, store, put, get } = testEngine();
    const { ends, handler } = held();
    let isCut = false;
    engine.serve("q", (entry, options) => {
      options.signal.addEventListener("abort", () => (isCut = true));
      return handler(entry, options);
    });
    await put("q", "a");
    await put("q", "b");
    await clock.advance(1);
    await store.delete({ queue: "q", owner: "", name: "a" }, call);
    await put("q", "b", 60_000, "new");
    await clock.advance(20_000);
    expect(isCut).toBe(false);
    expect(engine.inHand).toBe(2);
    for (const end of ends) end();
    await clock.advance(1);
    expect(engine.inHand).toBe(0);
    expect(await get("q", "a")).toBeUndefined();
    expect(await get("q", "b")).toMatchObject({ data: "new" });
  });
  it("what runs long is held, so that no other process takes it", async () => {
    const shared = createDueTimes();
    const clock = fakeClock();
    const [first, second] = [
      testEngine({ store: shared, clock }),
      testEngine({ store: shared, clock }),
    ];
    const { ends, handler } = held();
    const other = recorder(clock.now);
    first.engine.serve("q", handler);
    await first.put("q", "a");
    await clock.advance(1);
    second.engine.serve("q", other.handler);
    await clock.advance(60_000);
    expect(other.ran).toEqual([]);
    ends[0]?.();
    await clock.advance(60_000);
    expect(other.ran).toEqual([]);
  });
  it("what a process had in hand that has died is another's after the hold", async () => {
    const shared = createDueTimes();
    const clock = fakeClock();
    const dead = { now: clock.now(), limit: 10, holdMs: 5000, ...call };
    await shared.put(
      { queue: "q", owner: "", name: "a", dueAt: clock.now(), data: "" },
      true,
      call,
    );
    expect((await shared.claim(["q"], dead)).entries).toHaveLength(1);
    const { engine } = testEngine({ store: shared, clock });
    const { ran, handler } = recorder(clock.now);
    const start = clock.now();
    engine.serve("q", handler);
    await clock.advance(20_000);
    expect(ran).toEqual([{ name: "a", at: start + 5000 }]);
  });
  it("a store that is away is asked again, ever more rarely, and things go on once it is back", async () => {
    const { engine, clock, store, log, put } = testEngine();
    const { handler, names } = recorder(clock.now);
    await put("q", "a", 1000);
    store.outage = new Error("connection refused");
    engine.serve("q", handler);
    await clock.advance(60_000);
    expect(store.calls.filter((each) => each === "claim").length).toBeLessThan(25);
    expect(names()).toEqual([]);
    expect(log.of("warn")).toEqual([
      "Cannot look for what is due, trying again: connection refused",
    ]);
    store.outage = undefined;
    await clock.advance(5000);
    expect(names()).toEqual(["a"]);
    expect(log.of("info")).toEqual(["Due times can be read again"]);
  });
  it("what ends while the store is away has ended once it is back, and has run once", async () => {
    const { engine, clock, store, put, get } = testEngine();
    const { ends, handler } = held();
    const runs = recorder(clock.now, handler);
    engine.serve("q", runs.handler);
    await put("q", "a");
    await clock.advance(1);
    store.outage = new Error("gone");
    ends[0]?.();
    await clock.advance(3000);
    store.outage = undefined;
    await clock.advance(3000);
    expect(await get("q", "a")).toBeUndefined();
    expect(runs.names()).toEqual(["a"]);
  });
});

describe("there is an end to what runs at once", () => {
  it("and the rest comes when there is room", async () => {
    const { engine, clock, put } = testEngine({ most: 3 });
    const { ends, handler } = held();
    engine.serve("q", handler);
    for (let i = 0; i < 5; i++) await put("q", `n${i}`);
    await clock.advance(10);
    expect(engine.inHand).toBe(3);
    ends[0]?.();
    await clock.advance(0);
    expect(ends).toHaveLength(4);
    for (const end of ends) end();
    await clock.advance(0);
    expect(ends).toHaveLength(5);
  });
  it("and a queue that hangs leaves room for the others", async () => {
    const { engine, clock, put } = testEngine({ most: 1000, mostOfQueue: 10 });
    const { ends, handler } = held();
    const other = recorder(clock.now);
    engine.serve("hangs", handler);
    engine.serve("q", other.handler);
    for (let i = 0; i < 20; i++) await put("hangs", `n${i}`, i);
    await clock.advance(100);
    expect(ends.length).toBeLessThan(20);
    await put("q", "a");
    await clock.advance(0);
    expect(other.names()).toEqual(["a"]);
    for (const end of ends.splice(0)) end();
    await clock.advance(0);
    expect(ends.length).toBeGreaterThan(0);
  });
  it("and to the data in hand", async () => {
    const { engine, clock, put } = testEngine();
    const { ends, handler } = held();
    engine.serve("q", handler);
    await put("q", "large", 0, "x".repeat(64 * 1024 * 1024));
    await clock.advance(0);
    await put("q", "small");
    await clock.advance(5000);
    expect(ends).toHaveLength(1);
    ends[0]?.();
    await clock.advance(0);
    expect(ends).toHaveLength(2);
  });
});

describe("ending", () => {
  it("stop waits for what runs, and takes no more", async () => {
    const { engine, clock, put, get } = testEngine();
    const { ends, handler } = held();
    const serving = engine.serve("q", handler);
    await put("q", "a");
    await clock.advance(1);
    await put("q", "b", 100);
    let isStopped = false;
    const stopping = serving.stop().then(() => (isStopped = true));
    await clock.advance(20_000);
    expect(isStopped).toBe(false);
    ends[0]?.();
    await clock.advance(1);
    await stopping;
    expect(ends).toHaveLength(1);
    expect(await get("q", "b")).toBeDefined();
  });
  it("stop gives back what was claimed just then, as it was", async () => {
    const { engine, store, put, get } = testEngine();
    await put("q", "a", 0, "kept");
    const { claim } = store;
    const claimed = Promise.withResolvers<void>();
    store.claim = async (...args) => {
      const found = await claim(...args);
      await claimed.promise;
      return found;
    };
    const { ran, handler } = recorder(() => 0);
    const stopping = engine.serve("q", handler).stop();
    claimed.resolve();
    await stopping;
    expect(ran).toEqual([]);
    const entry = await get("q", "a");
    expect(Object.keys(entry ?? {}).sort()).toEqual(["data", "dueAt", "name", "owner", "queue"]);
    expect(
      (await claim(["q"], { ...call, now: entry?.dueAt ?? 0, limit: 1, holdMs: 1 })).entries,
    ).toHaveLength(1);
  });
  it("stop does not wait for a store that does not answer", async () => {
    const { engine, clock, store } = testEngine();
    store.claim = () => new Promise(() => {});
    const stopping = engine.serve("q", async () => undefined).stop();
    await clock.advance(5000);
    await stopping;
  });
  it("stop during an outage ends at once, and says nothing more", async () => {
    const { engine, clock, store, log } = testEngine();
    store.outage = new Error("gone");
    const serving = engine.serve("q", async () => undefined);
    await clock.advance(10_000);
    await serving.stop();
    await clock.advance(60_000);
    expect(log.of("warn")).toHaveLength(1);
    expect(clock.sleepers).toBe(0);
  });
  it("closing cuts what runs, and leaves it to others at once", async () => {
    const { engine, clock, put, get, store } = testEngine();
    engine.serve(
      "q",
      (_entry, { signal }) =>
        new Promise((_, reject) =>
          signal.addEventListener("abort", () => reject(signal.reason as Error)),
        ),
    );
    await put("q", "a", 0, "kept");
    await clock.advance(1);
    await engine[Symbol.asyncDispose]();
    const entry = await get("q", "a");
    expect(entry).toMatchObject({ data: "kept" });
    const now = clock.now();
    expect((await store.claim(["q"], { ...call, now, limit: 1, holdMs: 1 })).entries).toHaveLength(
      1,
    );
    expect(clock.sleepers).toBe(0);
  });
  it("closing waits no longer than 2 s for a store that is away", async () => {
    const { engine, clock, put, store } = testEngine();
    const { ends, handler } = held();
    engine.serve("q", handler);
    await put("q", "a");
    await clock.advance(1);
    store.outage = new Error("gone");
    const closing = engine[Symbol.asyncDispose]();
    ends[0]?.();
    await clock.advance(2000);
    await closing;
  });
});
