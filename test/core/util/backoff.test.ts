import { describe, expect, it } from "vitest";
import { createBackoff, pauseAfter } from "#core/util/backoff.ts";
import { repeat } from "#core/util/repeat.ts";
import { fakeClock } from "#test/support/fake-clock.ts";

describe("growing pauses", () => {
  const pauses = { firstMs: 100, longestMs: 500 };
  it("double up to the longest, and begin again after a reset", () => {
    const backoff = createBackoff(pauses);
    const next = (): number => backoff.next();
    expect([next(), next(), next(), next(), next()]).toEqual([100, 200, 400, 500, 500]);
    backoff.reset();
    expect([next(), next()]).toEqual([100, 200]);
  });
  it("grow by another factor where one is given", () => {
    const backoff = createBackoff({ ...pauses, factor: 1.5 });
    expect([backoff.next(), backoff.next(), backoff.next()]).toEqual([100, 150, 225]);
  });
  it("are never longer than the longest, be it shorter than the first", () => {
    expect(pauseAfter(0, { firstMs: 100, longestMs: 50 })).toBe(50);
    expect(pauseAfter(1_000_000, pauses)).toBe(500);
    expect(pauseAfter(1_000_000, { ...pauses, firstMs: 0 })).toBe(0);
  });
  it("are spread at random between two shares of themselves", () => {
    const jitter = [0.5, 1.5] as const;
    expect(createBackoff({ ...pauses, jitter }, () => 0).next()).toBe(50);
    expect(createBackoff({ ...pauses, jitter }, () => 1).next()).toBe(150);
    expect(pauseAfter(1, { ...pauses, jitter }, () => 0.25)).toBe(150);
    const found = pauseAfter(1, { ...pauses, jitter });
    expect(found).toBeGreaterThanOrEqual(100);
    expect(found).toBeLessThan(300);
  });
  it("stand between the tries of what is repeated until it works", async () => {
    const clock = fakeClock();
    const start = clock.now();
    const tries: number[] = [];
    const attempt = async (): Promise<boolean> => tries.push(clock.now() - start) === 3;
    const done = repeat(attempt, pauses, clock, new AbortController().signal);
    await clock.advance(10_000);
    await done;
    expect(tries).toEqual([100, 300, 700]);
    expect(clock.sleepers).toBe(0);
  });
});
