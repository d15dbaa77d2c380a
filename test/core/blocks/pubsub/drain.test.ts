import { describe, expect, it } from "vitest";
import type { Loaded } from "#core/kernel/app.ts";
import type { PubSub } from "#core/ports/pub-sub.ts";
import { drainSubscriptions } from "#core/blocks/pubsub/drain.ts";
import type { Started } from "#core/blocks/pubsub/start-subscription.ts";
import { fakeClock } from "#test/support/fake-clock.ts";
import { keptLog } from "#test/support/kept-log.ts";
import { testPubSub } from "./support.ts";

const options = { signal: new AbortController().signal };

/** A subscription whose deliveries the test begins and ends. */
function subscription() {
  const inFlight: Array<() => void> = [];
  let waiting: Array<() => void> = [];
  let taken = 0;
  const started: Started = {
    intake: { brokerTopic: "t", deliver: async () => [] },
    subscribe: async () => {},
    idle: () =>
      new Promise((resolve) => {
        if (inFlight.length === 0) resolve();
        else waiting.push(resolve);
      }),
    get taken() {
      return taken;
    },
  };
  return {
    started,
    begin: () => {
      taken++;
      inFlight.push(() => {});
    },
    finish: () => {
      inFlight.pop();
      if (inFlight.length > 0) return;
      for (const resolve of waiting) resolve();
      waiting = [];
    },
  };
}

function setUp(pause: PubSub["pause"], { isFinal = true } = {}) {
  const clock = fakeClock();
  const log = keptLog();
  const { started, begin, finish } = subscription();
  const port: PubSub = { ...testPubSub(), ...(pause ? { pause } : {}) };
  const component = { name: "ps", port } as Loaded<"pubsub">;
  const state = { isClosed: false, isOver: false };
  const drain = async (): Promise<void> => {
    const close = (): void => void (state.isClosed = true);
    const running = [{ started, component }];
    await drainSubscriptions({ running, isFinal, close, clock, log, fields: {} }, options);
    state.isOver = true;
  };
  return { clock, log, begin, finish, state, drain };
}

describe("subscriptions on their way out", () => {
  it("take nothing more in at once, and wait for what is in flight", async () => {
    const { clock, begin, finish, state, drain } = setUp(undefined);
    begin();
    void drain();
    expect(state).toEqual({ isClosed: true, isOver: false });
    finish();
    await clock.advance(0);
    expect(state.isOver).toBe(true);
    expect(clock.sleepers).toBe(0);
  });
  it("pause the broker only where the app stops", async () => {
    let asked = 0;
    const { clock, state, drain } = setUp(async () => ++asked > 0, { isFinal: false });
    void drain();
    await clock.advance(0);
    expect([asked, state.isOver]).toEqual([0, true]);
  });
  it("take in what a paused broker has handed out, until nothing comes for 100 ms", async () => {
    const { clock, begin, finish, state, drain } = setUp(async () => true);
    void drain();
    await clock.advance(50);
    begin();
    await clock.advance(1000);
    expect(state.isClosed).toBe(false);
    finish();
    await clock.advance(99);
    expect(state.isClosed).toBe(false);
    await clock.advance(1);
    expect(state).toEqual({ isClosed: true, isOver: true });
  });
  it("do not wait for a broker that cannot be paused, fails, or says nothing for 5 s", async () => {
    const cannot = setUp(async () => false);
    void cannot.drain();
    await cannot.clock.advance(0);
    expect(cannot.state.isOver).toBe(true);
    expect(cannot.log.lines).toEqual([]);

    const fails = setUp(() => Promise.reject(new Error("not now")));
    void fails.drain();
    await fails.clock.advance(0);
    expect(fails.state.isOver).toBe(true);
    expect(fails.log.of("warn")).toEqual(["Cannot pause pub/sub component ps: not now"]);

    const silent = setUp(() => new Promise(() => {}));
    void silent.drain();
    await silent.clock.advance(4999);
    expect(silent.state.isClosed).toBe(false);
    await silent.clock.advance(1);
    expect(silent.state.isOver).toBe(true);
  });
  it("end after 30 s, whatever is in flight, and however much a paused broker goes on", async () => {
    const stuck = setUp(undefined);
    stuck.begin();
    void stuck.drain();
    await stuck.clock.advance(30_000);
    expect(stuck.state.isOver).toBe(true);

    const endless = setUp(async () => true);
    void endless.drain();
    for (let ms = 0; ms < 30_000; ms += 50) {
      endless.begin();
      endless.finish();
      await endless.clock.advance(50);
    }
    expect(endless.state).toEqual({ isClosed: true, isOver: true });
  });
});
