import { describe, expect, it } from "vitest";
import { collectWhenIdle } from "#targets/node/memory/idle-gc.ts";
import { fakeClock } from "#test/support/fake-clock.ts";

const mib = 1024 * 1024;

/** A process whose loop and heap do what they are told to. */
function setUp() {
  const clock = fakeClock();
  const began = clock.now();
  const state = { active: 0, held: 50 * mib, used: 20 * mib, collected: 0 };
  const end = collectWhenIdle(clock, {
    time: () => ({ active: state.active, idle: clock.now() - began - state.active }),
    size: () => ({ held: state.held, used: state.used }),
    collect: () => {
      state.collected++;
      state.held = state.used;
    },
  });
  return { clock, state, end };
}

describe("rest", () => {
  it("collects soon after the start, and no more while nothing has grown", async () => {
    const { clock, state } = setUp();
    await clock.advance(1000);
    expect(state.collected).toBe(1);
    await clock.advance(60_000);
    expect(state.collected).toBe(1);
  });
  it("waits while there is work, and collects what it has left behind", async () => {
    const { clock, state } = setUp();
    state.active = 500;
    await clock.advance(1000);
    expect(state.collected).toBe(0);
    await clock.advance(1000);
    expect(state.collected).toBe(1);
    state.held = 60 * mib;
    await clock.advance(10_000);
    expect(state.collected).toBe(2);
  });
  it("leaves a heap alone that would take long", async () => {
    const { clock, state } = setUp();
    state.used = 200 * mib;
    state.held = 300 * mib;
    await clock.advance(60_000);
    expect(state.collected).toBe(0);
  });
  it("ends", async () => {
    const { clock, state, end } = setUp();
    end();
    await clock.advance(60_000);
    expect(state.collected).toBe(0);
    expect(clock.sleepers).toBe(0);
  });
});
