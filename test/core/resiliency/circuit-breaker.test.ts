import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type BreakerSettings, createCircuitBreaker } from "#core/resiliency/circuit-breaker.ts";
import { compileTrip, faultOfTrip } from "#core/resources/trip.ts";
import { fakeClock } from "#test/support/fake-clock.ts";

const call = { signal: new AbortController().signal };
const works = (): Promise<string> => Promise.resolve("ok");
const fails = (): Promise<string> => Promise.reject(new Error("down"));
const settings = (given: Partial<BreakerSettings> = {}): BreakerSettings => ({
  maxRequests: 1,
  intervalMs: 0,
  timeoutMs: 1000,
  trips: ({ consecutiveFailures }) => consecutiveFailures > 2,
  ...given,
});

describe("a circuit breaker", () => {
  it("opens when it trips, lets nothing through, tries once after its time, and closes", async () => {
    const clock = fakeClock();
    const states: string[] = [];
    const { guard, ...breaker } = createCircuitBreaker(settings(), clock, (s) => states.push(s));
    expect(breaker.state).toBe("closed");
    for (let i = 0; i < 3; i++) await expect(guard(fails, call)).rejects.toThrow("down");
    await expect(guard(works, call)).rejects.toThrow("circuit breaker is open");
    await clock.advance(1001);
    expect(await guard(works, call)).toBe("ok");
    expect(states).toEqual(["open", "half-open", "closed"]);
  });
  it("opens again when the try fails", async () => {
    const clock = fakeClock();
    const breaker = createCircuitBreaker(settings(), clock);
    for (let i = 0; i < 3; i++) await breaker.guard(fails, call).catch(() => {});
    await clock.advance(1001);
    expect(breaker.state).toBe("half-open");
    await breaker.guard(fails, call).catch(() => {});
    expect(breaker.state).toBe("open");
  });
  it("lets so many tries through at a time, and closes after as many successes", async () => {
    const clock = fakeClock();
    const breaker = createCircuitBreaker(settings({ maxRequests: 2 }), clock);
    for (let i = 0; i < 3; i++) await breaker.guard(fails, call).catch(() => {});
    await clock.advance(1001);
    let finish: (() => void)[] = [];
    const slow = (): Promise<void> => new Promise((done) => finish.push(done));
    const both = [breaker.guard(slow, call), breaker.guard(slow, call)];
    await expect(breaker.guard(works, call)).rejects.toThrow("too many requests");
    for (const done of finish) done();
    finish = [];
    await Promise.all(both);
    expect(breaker.state).toBe("closed");
  });
  it("forgets its counts at each interval", async () => {
    const clock = fakeClock();
    const breaker = createCircuitBreaker(settings({ intervalMs: 100 }), clock);
    for (let i = 0; i < 2; i++) await breaker.guard(fails, call).catch(() => {});
    await clock.advance(101);
    for (let i = 0; i < 2; i++) await breaker.guard(fails, call).catch(() => {});
    expect(breaker.state).toBe("closed");
    await breaker.guard(fails, call).catch(() => {});
    expect(breaker.state).toBe("open");
  });
  it("does not count calls whose callers have gone", async () => {
    const breaker = createCircuitBreaker(settings(), fakeClock());
    const gone = { signal: AbortSignal.abort() };
    for (let i = 0; i < 9; i++) await breaker.guard(fails, gone).catch(() => {});
    expect(breaker.state).toBe("closed");
  });
  it("does not count what ends in another generation than it began", async () => {
    const clock = fakeClock();
    const breaker = createCircuitBreaker(settings(), clock);
    let fail: (reason: Error) => void = () => {};
    const late = breaker.guard(() => new Promise((_, reject) => (fail = reject)), call);
    for (let i = 0; i < 3; i++) await breaker.guard(fails, call).catch(() => {});
    await clock.advance(1001);
    await breaker.guard(works, call);
    fail(new Error("late"));
    await late.catch(() => {});
    expect(breaker.state).toBe("closed");
  });
  it("never lets a call through while open, nor more than it may while half-open", async () => {
    const step = fc.oneof(
      fc.constant("ok" as const),
      fc.constant("fail" as const),
      fc.integer({ min: 1, max: 1500 }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        let now = 0;
        const breaker = createCircuitBreaker(settings(), { now: () => now });
        let failures = 0;
        let openedAt: number | undefined;
        for (const each of steps) {
          if (typeof each === "number") {
            now += each;
            continue;
          }
          const open = openedAt !== undefined && now <= openedAt + 1000;
          const trying = openedAt !== undefined && !open;
          let ran = false;
          await breaker
            .guard(() => {
              ran = true;
              return each === "ok" ? works() : fails();
            }, call)
            .catch(() => {});
          expect(ran).toBe(!open);
          if (!ran) continue;
          failures = each === "ok" ? 0 : failures + 1;
          if (each === "ok") openedAt = undefined;
          else if (trying || failures > 2) [openedAt, failures] = [now, 0];
          if (trying && each === "ok") failures = 0;
        }
      }),
      { numRuns: 300 },
    );
  });
});

describe("trip", () => {
  const counts = {
    requests: 10,
    totalSuccesses: 4,
    totalFailures: 6,
    consecutiveSuccesses: 0,
    consecutiveFailures: 6,
  };
  it.each([
    ["consecutiveFailures > 5", true],
    ["consecutiveFailures >= 7", false],
    ["totalFailures > 3 && requests > 8", true],
    ["totalSuccesses == 4", true],
    ["requests / 0 > 1", false],
    ["double(totalFailures) / double(requests) > 0.5", true],
  ])("%s is %s", (source, wanted) => {
    expect(compileTrip(source)(counts)).toBe(wanted);
  });
  it.each(["consecutive > 5", "'a' + requests"])(
    "%j never trips, as in Dapr, and there is a reason",
    (source) => {
      expect(compileTrip(source)(counts)).toBe(false);
      expect(faultOfTrip(source)).toBeTypeOf("string");
      expect(faultOfTrip("requests > 5")).toBeUndefined();
    },
  );
  it.each(["requests >", ""])("%j is refused", (source) => {
    expect(() => compileTrip(source)).toThrow();
  });
});
