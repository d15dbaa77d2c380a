import { execFile } from "node:child_process";
import { pathToFileURL } from "node:url";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { idleFlags, optimizeWhenBusy } from "#targets/node/memory/optimize.ts";
import { fakeClock } from "#test/support/fake-clock.ts";

/** A process that is as busy as it is told to be. */
function setUp() {
  const clock = fakeClock();
  const state = { cpuMs: 0, optimized: 0 };
  const work = optimizeWhenBusy(clock, {
    cpuMs: () => state.cpuMs,
    optimize: () => void state.optimized++,
  });
  const second = async (cpuMs: number): Promise<void> => {
    state.cpuMs += cpuMs;
    await clock.advance(1000);
  };
  return { clock, state, second, work };
}

describe("optimizing", () => {
  it("begins after one and a half seconds of work, and once", async () => {
    const { clock, state, second } = setUp();
    for (const cpuMs of [600, 500, 300]) await second(cpuMs);
    await second(0);
    expect(state.optimized).toBe(0);
    await second(200);
    expect(state.optimized).toBe(1);
    expect(clock.sleepers).toBe(0);
  });
  it("begins in a process that is a little busy for long, never in an idle one", async () => {
    const [busy, idle] = [setUp(), setUp()];
    for (let i = 0; i < 200; i++) {
      await busy.second(20);
      await idle.second(10);
    }
    expect([busy.state.optimized, idle.state.optimized]).toEqual([1, 0]);
  });
  it("begins at once with fifty calls in half a second, not with as many in two", async () => {
    const { clock, state, work } = setUp();
    for (let i = 0; i < 4; i++) {
      for (let call = 0; call < 49; call++) work.called();
      await clock.advance(500);
    }
    expect(state.optimized).toBe(0);
    for (let call = 0; call < 200; call++) work.called();
    expect(state.optimized).toBe(1);
    expect(clock.sleepers).toBe(0);
  });
  it("is not looked for any more after the end", async () => {
    const { clock, state, work } = setUp();
    work[Symbol.dispose]();
    for (let i = 0; i < 100; i++) work.called();
    expect(state.optimized).toBe(0);
    await clock.advance(10_000);
    expect(clock.sleepers).toBe(0);
  });
  it("is V8's own, which has it off at the start and then on for a function that was hot before", async () => {
    const ours = pathToFileURL(
      join(import.meta.dirname, "../../../../targets/node/memory/optimize.ts"),
    ).href;
    const script = `
      import { setFlagsFromString } from "node:v8";
      import { optimizeWhenBusy, thisProcess } from ${JSON.stringify(ours)};
      // As bin/outrigger.mjs does.
      for (const flag of ["--no-maglev", "--no-turbofan"]) setFlagsFromString(flag);
      function hot(n) { let sum = 0; for (let i = 0; i < n; i++) sum += i % 7; return sum; }
      // "Optimized" of V8's runtime-test.cc.
      const isOptimized = () => (%GetOptimizationStatus(hot) & 16) !== 0;
      const run = async (ms) => {
        for (const end = Date.now() + ms; Date.now() < end && !isOptimized(); ) {
          for (let i = 0; i < 2000; i++) hot(50);
          await new Promise((done) => setImmediate(done));
        }
        return isOptimized();
      };
      let cpuMs = 0;
      const looks = [];
      optimizeWhenBusy({ now: () => 0, after: (ms, look) => (looks.push(look), () => {}) }, {
        ...thisProcess,
        cpuMs: () => (cpuMs += 1000),
      });
      const before = await run(500);
      for (let i = 0; i < looks.length; i++) looks[i]();
      console.log(JSON.stringify({ before, after: await run(10_000) }));`;
    const { stdout } = await promisify(execFile)(process.execPath, [
      ...idleFlags,
      "--allow-natives-syntax",
      "--input-type=module",
      "--eval",
      script,
    ]);
    expect(JSON.parse(stdout)).toEqual({ before: false, after: true });
  });
});
