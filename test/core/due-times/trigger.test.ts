import { describe, expect, it } from "vitest";
import { type FailurePolicy, retryAt } from "#core/due-times/failure-policy.ts";
import {
  afterRun,
  hasExpired,
  isTooLate,
  never,
  planTrigger,
  type Trigger,
  type TriggerRequest,
  withRunNow,
} from "#core/due-times/trigger.ts";

const now = Date.UTC(2026, 0, 1, 10);
const plan = (request: TriggerRequest): Trigger => planTrigger(request, now);
const second = 1000;
const hour = 3_600_000;
const drop: FailurePolicy = { kind: "drop" };

describe("a trigger is refused", () => {
  it.each<[string, TriggerRequest]>([
    ["job must have either a due time or a schedule", {}],
    ["job must have either a due time or a schedule", { repeats: 2, ttl: "1h" }],
    ["job must have a schedule to repeat", { dueTime: "1h", repeats: 2 }],
    ["defined repeats must be greater than 0", { dueTime: "1h", repeats: 0 }],
    ["defined repeats must be greater than 0", { schedule: "@daily", repeats: 0 }],
    ["job must have a schedule to have a ttl", { dueTime: "1h", ttl: "2h" }],
    ["due time format not recognized", { dueTime: "soon" }],
    ["due time format not recognized", { dueTime: "" }],
    ["due time format not recognized", { dueTime: "P99999999Y" }],
    ["repeats not supported for due time", { dueTime: "R2/PT1H" }],
    ["ttl format not recognized", { schedule: "@daily", ttl: "x" }],
    ["ttl format not recognized", { schedule: "@daily", ttl: "R2/PT1H" }],
    [
      "ttl must be greater than due time",
      { schedule: "@daily", dueTime: "2h", ttl: new Date(now + hour).toISOString() },
    ],
    ["ttl must be greater than due time", { schedule: "@daily", dueTime: "2h", ttl: "-1s" }],
    ["expected exactly 6 fields, found 1: [x]", { schedule: "x" }],
    ["negative duration is not allowed: @every -5s", { schedule: "@every -5s" }],
  ])("%s: %j", (why, request) => expect(() => plan(request)).toThrow(new Error(why)));
});

describe("its first time is", () => {
  it.each<[string, TriggerRequest, number]>([
    ["the due time", { dueTime: "1h" }, now + hour],
    ["the due time, with a schedule too", { dueTime: "1h", schedule: "@every 1s" }, now + hour],
    ["now", { dueTime: "0s" }, now],
    ["a past one as it is", { dueTime: "-5s" }, now - 5 * second],
    ["the schedule's first one after now", { schedule: "@every 5s" }, now + 5 * second],
    ["the schedule's, not now where that is one", { schedule: "0 0 * * * *" }, now + hour],
    ["never, for a date that there is not", { schedule: "0 0 0 30 2 *" }, never],
  ])("%s", (_what, request, tick) => expect(plan(request).tick).toBe(tick));
  it("kept with what was asked for, and the scheduler's default policy", () => {
    expect(JSON.parse(JSON.stringify(plan({ dueTime: "1h" })))).toEqual({
      failurePolicy: { kind: "constant", interval: { seconds: 1, nanos: 0 }, maxRetries: 3 },
      tick: now + hour,
      runs: 0,
      failures: 0,
    });
  });
});

describe("a time to live", () => {
  it("counts from the due time, or from now", () => {
    expect(plan({ schedule: "@daily", ttl: "1h" }).expiresAt).toBe(now + hour);
    expect(plan({ schedule: "@daily", dueTime: "2h", ttl: "1h" }).expiresAt).toBe(now + 3 * hour);
    expect(plan({ schedule: "@daily", ttl: "P1D" }).expiresAt).toBe(now + 24 * hour);
  });
  it("over before the first time means that there is nothing", () => {
    expect(hasExpired(plan({ schedule: "@every 2s", ttl: "1s" }), now)).toBe(true);
    expect(hasExpired(plan({ schedule: "@daily", ttl: "2020-01-01T00:00:00Z" }), now)).toBe(true);
    expect(hasExpired(plan({ schedule: "@every 1s", ttl: "1s" }), now)).toBe(false);
    expect(hasExpired(plan({ dueTime: "1h" }), now)).toBe(false);
  });
  it("includes a run that is due at its very end, but not one that nobody took for long", () => {
    const trigger = plan({ schedule: "@every 1s", ttl: "1s" });
    expect(isTooLate(trigger, now + second + 50)).toBe(false);
    expect(isTooLate(trigger, now + 10 * second)).toBe(true);
    expect(isTooLate(plan({ dueTime: "0s" }), now + 1e9)).toBe(false);
  });
  it("ends what recurs: a time at its end is the last one", () => {
    const ran: number[] = [];
    let trigger: Trigger | undefined = plan({ schedule: "@every 1s", ttl: "5s" });
    while (trigger) {
      const { tick }: Trigger = trigger;
      ran.push(tick - now);
      trigger = afterRun(trigger, "done", tick, tick)?.trigger;
    }
    expect(ran).toEqual([1000, 2000, 3000, 4000, 5000]);
  });
});

describe("after a run", () => {
  it("one without a schedule is gone", () => {
    expect(afterRun(plan({ dueTime: "0s" }), "done", now, now)).toBeUndefined();
    expect(afterRun(plan({ dueTime: "0s", repeats: 1 }), "done", now, now)).toBeUndefined();
  });
  it("the next time keeps its place, however long the run was late or took", () => {
    const trigger = plan({ schedule: "@every 10s", dueTime: "0s" });
    expect(afterRun(trigger, "done", now, now + 3 * second)?.dueAt).toBe(now + 10 * second);
    expect(afterRun(trigger, "done", now + 4 * second, now + 5 * second)?.dueAt).toBe(
      now + 10 * second,
    );
  });
  it("times that were missed before it are this run; those that passed meanwhile are one, at once", () => {
    const trigger = plan({ schedule: "@every 10s", dueTime: "0s" });
    const late = now + hour + 3 * second;
    expect(afterRun(trigger, "done", late, late)?.dueAt).toBe(now + hour + 10 * second);
    const next = afterRun(trigger, "done", now, now + 35 * second);
    expect(next?.dueAt).toBe(now + 10 * second);
    expect(
      afterRun(next?.trigger as Trigger, "done", now + 35 * second, now + 36 * second)?.dueAt,
    ).toBe(now + 40 * second);
  });
  it("from a due time in the past the schedule counts on", () => {
    const trigger = plan({ schedule: "@every 1h", dueTime: "2025-12-31T23:59:00Z" });
    expect(afterRun(trigger, "done", now, now)?.dueAt).toBe(Date.UTC(2026, 0, 1, 10, 59));
    const cron = plan({ schedule: "0 30 * * * *", dueTime: "2025-12-31T23:59:00Z" });
    expect(afterRun(cron, "done", now, now)?.dueAt).toBe(Date.UTC(2026, 0, 1, 10, 30));
  });
  it("so many runs as repeats say, those that failed for good included", () => {
    let trigger: Trigger | undefined = plan({
      schedule: "@every 1s",
      repeats: 3,
      failurePolicy: drop,
    });
    let runs = 0;
    while (trigger) {
      const { tick }: Trigger = trigger;
      trigger = afterRun(trigger, runs++ % 2 ? "done" : "failed", tick, tick)?.trigger;
    }
    expect(runs).toBe(3);
  });
  it("that failed, it is tried again as the policy says, and later times keep theirs", () => {
    const policy: FailurePolicy = {
      kind: "constant",
      interval: { seconds: 3, nanos: 500_000_000 },
      maxRetries: 2,
    };
    let trigger = plan({ schedule: "@every 10s", dueTime: "0s", failurePolicy: policy });
    let at = now;
    for (let failures = 1; failures <= 2; failures++) {
      const next = afterRun(trigger, "failed", at, at + 100);
      expect(next?.dueAt).toBe(at + 3600);
      expect(next?.trigger).toMatchObject({ failures, runs: 0, tick: now });
      trigger = next?.trigger as Trigger;
      at += 3600;
    }
    const exhausted = afterRun(trigger, "failed", at, at + 100);
    expect(exhausted?.dueAt).toBe(now + 10 * second);
    expect(exhausted?.trigger).toMatchObject({ failures: 0, runs: 1 });
    expect(exhausted?.trigger.startedAt).toBeUndefined();
  });
  it("whose retries took a few periods, each of those that passed comes at once", () => {
    const trigger = plan({ schedule: "@every 1s", dueTime: "0s" });
    const retry = afterRun(trigger, "failed", now, now);
    const done = afterRun(retry?.trigger as Trigger, "done", now + 4500, now + 4600);
    expect(done?.dueAt).toBe(now + second);
    expect(afterRun(done?.trigger as Trigger, "done", now + 4600, now + 4700)?.dueAt).toBe(
      now + 2 * second,
    );
  });
  it("ticks that are closer together than runs can be still come, each", () => {
    let next = { dueAt: now, trigger: plan({ schedule: "@every 1ms", ttl: "10ms" }) };
    let runs = 0;
    for (let at = now + 3; ; at += 3) {
      runs++;
      const after = afterRun(next.trigger, "done", at, at + 1);
      if (!after) break;
      next = after;
    }
    expect(runs).toBe(10);
  });
});

describe("a run now", () => {
  const daily = (more: object = {}): Trigger =>
    plan({ schedule: "@daily", repeats: 3, failurePolicy: drop, ...more });
  const midnight = now + 14 * hour;
  it("leaves the next time and the repeats as they were", () => {
    const trigger = daily();
    const after = afterRun(withRunNow(trigger, now), "done", now, now + second);
    expect(after?.dueAt).toBe(midnight);
    expect(JSON.parse(JSON.stringify(after?.trigger))).toEqual(JSON.parse(JSON.stringify(trigger)));
  });
  it("that fails is tried again as the policy says, but not beyond the next time", () => {
    const failurePolicy: FailurePolicy = {
      kind: "constant",
      interval: { seconds: 6 * 3600, nanos: 0 },
    };
    let next: { dueAt: number; trigger: Trigger } | undefined = {
      dueAt: now,
      trigger: withRunNow(daily({ failurePolicy }), now),
    };
    const at: number[] = [];
    for (let i = 0; i < 3; i++) {
      next = afterRun(next?.trigger as Trigger, "failed", next?.dueAt ?? 0, next?.dueAt ?? 0);
      at.push(((next?.dueAt ?? 0) - now) / hour);
    }
    expect(at).toEqual([6, 12, 14]);
    expect(next?.trigger).toMatchObject({ failures: 0, runs: 0, tick: midnight });
    expect(next?.trigger.isExtra).toBeUndefined();
  });
  it("that nobody takes until the next time is the run of that time", () => {
    const after = afterRun(withRunNow(daily(), now), "done", midnight + hour, midnight + hour);
    expect(after?.dueAt).toBe(midnight + 24 * hour);
    expect(after?.trigger).toMatchObject({ runs: 1, tick: midnight + 24 * hour });
    expect(after?.trigger.isExtra).toBeUndefined();
  });
  it("of a job that is due anyway, or has no schedule, is that run", () => {
    const once = plan({ dueTime: "1h" });
    expect(withRunNow(once, now)).toEqual(once);
    expect(afterRun(once, "done", now, now)).toBeUndefined();
    const due = plan({ schedule: "@daily", dueTime: "0s" });
    expect(withRunNow(due, now)).toEqual(due);
  });
});

describe("a failure policy", () => {
  const constant = (more: object): FailurePolicy => ({ kind: "constant", ...more });
  it("drop: not again", () => expect(retryAt(drop, 1, now)).toBeUndefined());
  it("constant: so many times, so far apart", () => {
    const policy = constant({ interval: { seconds: 2, nanos: 0 }, maxRetries: 2 });
    expect([1, 2, 3].map((failures) => retryAt(policy, failures, now))).toEqual([
      now + 2000,
      now + 2000,
      undefined,
    ]);
    expect(retryAt(constant({ maxRetries: 0 }), 1, now)).toBeUndefined();
  });
  it("without an interval at once, without a count for ever", () => {
    expect(retryAt(constant({}), 1_000_000, now)).toBe(now);
    expect(retryAt(constant({ interval: { seconds: -5, nanos: 0 } }), 1, now)).toBe(now);
    expect(retryAt(constant({ interval: { seconds: 0, nanos: 1 } }), 1, now)).toBe(now + 1);
  });
});
