import { parsePointInTime } from "#core/util/point-in-time.ts";
import { defaultFailurePolicy, type FailurePolicy, retryAt } from "./failure-policy.ts";
import { parseSchedule } from "./schedule.ts";

/** When a job or a reminder is to run, as it was asked for. */
export interface TriggerRequest {
  readonly schedule?: string | undefined;
  readonly dueTime?: string | undefined;
  readonly ttl?: string | undefined;
  /** Runs in all. */
  readonly repeats?: number | undefined;
  readonly failurePolicy?: FailurePolicy | undefined;
}

/** When it runs, and how far it has come. Kept as JSON with its entry. */
export interface Trigger {
  readonly schedule?: string | undefined;
  readonly repeats?: number | undefined;
  readonly failurePolicy: FailurePolicy;
  readonly expiresAt?: number | undefined;
  /** The time of the schedule that is due next; a retry runs later than that. */
  readonly tick: number;
  /** Runs that have ended, well or for good. */
  readonly runs: number;
  /** Failures of the present run. */
  readonly failures: number;
  /** When the present run was first tried. */
  readonly startedAt?: number | undefined;
  /** The present run is one that somebody wants before `tick`: it leaves `tick` and `runs` as they are. */
  readonly isExtra?: true | undefined;
}

/** The last moment that there is: a date that never comes. */
export const never = 8_640_000_000_000_000;
/** What a run may be late by although somebody could take it. */
const graceMs = 5000;

/** Throws for what cannot be, in the words of Dapr's scheduler. */
export function planTrigger(request: TriggerRequest, now: number): Trigger {
  const { schedule, dueTime, ttl, repeats, failurePolicy = defaultFailurePolicy } = request;
  if (schedule === undefined) {
    if (dueTime === undefined) throw new Error("job must have either a due time or a schedule");
    if (repeats !== undefined && repeats > 1) throw new Error("job must have a schedule to repeat");
  }
  if (repeats !== undefined && repeats < 1)
    throw new Error("defined repeats must be greater than 0");
  if (schedule === undefined && ttl !== undefined)
    throw new Error("job must have a schedule to have a ttl");
  const recurring = schedule === undefined ? undefined : parseSchedule(schedule);
  const begin = dueTime === undefined ? now : readDueTime(dueTime, now);
  const expiresAt = ttl === undefined ? undefined : readTtl(ttl, begin);
  if (expiresAt !== undefined && dueTime !== undefined && begin > expiresAt)
    throw new Error("ttl must be greater than due time");
  const first = dueTime === undefined ? recurring?.following(now, now) : begin;
  const tick = Math.min(first ?? never, never);
  return { schedule, repeats, failurePolicy, expiresAt, tick, runs: 0, failures: 0 };
}

function readDueTime(text: string, now: number): number {
  const at = parsePointInTime(text, now);
  if (at === "repeats") throw new Error("repeats not supported for due time");
  if (at === undefined) throw new Error("due time format not recognized");
  return at;
}
function readTtl(text: string, from: number): number {
  const at = parsePointInTime(text, from);
  if (typeof at !== "number") throw new Error("ttl format not recognized");
  return at;
}

/** True: its time to live is over, or is before it would run: there is no such job or reminder any more. */
export function hasExpired({ expiresAt = never, tick }: Trigger, now: number): boolean {
  return tick > expiresAt || now > expiresAt;
}
/** True for a run that comes too late for its time to live. */
export function isTooLate({ expiresAt = never }: Trigger, startedAt: number): boolean {
  return startedAt > expiresAt + graceMs;
}

/** For a run now: of a schedule whose next time is still to come, an extra one; else the run that is due next. */
export function withRunNow(trigger: Trigger, now: number): Trigger {
  const isExtra = trigger.schedule !== undefined && trigger.tick > now;
  return isExtra ? { ...trigger, isExtra } : trigger;
}

/** When it is due again; `undefined`: it has run for the last time. */
export interface NextRun {
  readonly dueAt: number;
  readonly trigger: Trigger;
}

/**
 * After a run that began at `startedAt` and has ended now. A retry does not move the times of the schedule. A run that
 * began late, because nobody could take it, stands for all times that had passed by then; one that is only slow lets
 * the next ones come at once, each. An extra run that begins when the schedule's next time has come is the run of that
 * time, and none is tried again beyond it.
 */
export function afterRun(
  trigger: Trigger,
  result: "done" | "failed",
  startedAt: number,
  now: number,
): NextRun | undefined {
  const { schedule, repeats, failurePolicy, expiresAt, tick } = trigger;
  const began = trigger.startedAt ?? startedAt;
  const isExtra = trigger.isExtra === true && began < tick;
  if (result === "failed") {
    const failures = trigger.failures + 1;
    const dueAt = retryAt(failurePolicy, failures, now);
    if (dueAt !== undefined && !(isExtra && dueAt >= tick))
      return { dueAt: Math.min(dueAt, never), trigger: { ...trigger, failures, startedAt: began } };
  }
  const rest = { failures: 0, startedAt: undefined, isExtra: undefined };
  if (isExtra) return { dueAt: tick, trigger: { ...trigger, ...rest } };
  const runs = trigger.runs + 1;
  if (schedule === undefined || runs >= (repeats ?? Infinity)) return undefined;
  const from = began - tick > graceMs ? began : tick;
  const next = parseSchedule(schedule).following(tick, from);
  if (next === undefined || next > (expiresAt ?? never)) return undefined;
  return { dueAt: next, trigger: { ...trigger, ...rest, tick: next, runs } };
}
