import type { FailurePolicy } from "#core/due-times/failure-policy.ts";
import { hasExpired, planTrigger, type Trigger } from "#core/due-times/trigger.ts";
import type { ActorName } from "#core/ports/actor-host.ts";
import type { DueEntry } from "#core/ports/due-times.ts";
import { goDuration, parseDuration } from "#core/util/duration.ts";
import { parseIsoDuration } from "#core/util/iso-duration.ts";
import { parseTimestamp } from "#core/util/point-in-time.ts";
import { actorError } from "./errors.ts";

export interface ReminderRequest extends ActorName {
  readonly name: string;
  readonly dueTime: string;
  readonly period: string;
  readonly ttl: string;
  /** JSON text; `undefined`: none. */
  readonly data: string | undefined;
  readonly overwrite: boolean;
  /** Absent: three tries more, a second apart. */
  readonly failurePolicy?: FailurePolicy | undefined;
}
/** A reminder as it is shown: members that were not given are `undefined`. */
export interface ReminderView extends ActorName {
  readonly name: string;
  readonly dueTime: string | undefined;
  readonly period: string | undefined;
  readonly ttl: string | undefined;
  readonly data: string | undefined;
}
/** What the store keeps of it. */
interface Kept {
  readonly trigger: Trigger;
  readonly dueTime?: string;
  readonly period?: string;
  readonly ttl?: string;
  readonly data?: string;
}

/** The reminders of one type, in the order in which they are due. */
export function queueOf(namespace: string, type: string): string {
  return JSON.stringify(["reminder", namespace, type]);
}

const mostKey = 512;

/** The entry of a reminder; `undefined` for one whose time is over already. Throws the documented refusals. */
export function reminderEntry(
  namespace: string,
  request: ReminderRequest,
  now: number,
): DueEntry | undefined {
  const { type, id, name, dueTime, period, ttl, data, failurePolicy } = request;
  const key = ["actorreminder", namespace || "default", type, id, name].join("||");
  // oxlint-disable-next-line no-control-regex -- control characters are what this is about
  if (/[/\\#?\u0000-\u001f\u007f]/.test(key))
    throw createError(
      unknownCode(
        `job name is invalid ${JSON.stringify(key)}: must not contain '/', '\\', '#' or '?'`,
      ),
    );
  if (key.length > mostKey)
    throw createError(
      unknownCode(
        `job name is invalid ${JSON.stringify(key)}: must be at most ${mostKey} characters`,
      ),
    );
  const repetition = period === "" ? undefined : readPeriod(period);
  let trigger: Trigger;
  try {
    trigger = planTrigger(
      {
        schedule: repetition?.schedule,
        repeats: repetition?.repeats,
        dueTime: dueTime === "" ? undefined : dueTime,
        ttl: ttl === "" ? undefined : ttl,
        failurePolicy,
      },
      now,
    );
  } catch (reason) {
    throw createError(unknownCode(`job failed validation: ${(reason as Error).message}`), reason);
  }
  if (hasExpired(trigger, now)) return undefined;
  const kept: Kept = {
    trigger,
    ...(dueTime === "" ? {} : { dueTime }),
    ...(repetition ? { period: repetition.schedule } : {}),
    // Dapr: one that was given as a duration is not shown.
    ...(parseTimestamp(ttl) === undefined ? {} : { ttl }),
    ...(data === undefined ? {} : { data }),
  };
  return {
    queue: queueOf(namespace, type),
    owner: id,
    name,
    dueAt: trigger.tick,
    data: JSON.stringify(kept),
  };
}

/** The entry's trigger and data. */
export function readKept(entry: Pick<DueEntry, "data">): Kept {
  return JSON.parse(entry.data) as Kept;
}
/** The same, further on. */
export function withTrigger(kept: Kept, trigger: Trigger): string {
  return JSON.stringify({ ...kept, trigger });
}

export function viewOf(type: string, { owner, name, data }: DueEntry): ReminderView {
  const kept = readKept({ data });
  const { dueTime, period, ttl } = kept;
  return { type, id: owner, name, dueTime, period, ttl, data: kept.data };
}

/** Dapr: keeps what is not calendar time as a schedule; `R0` has no end, and `R<n>` alone no time between. */
function readPeriod(text: string): { readonly schedule: string; readonly repeats?: number } {
  const every = (ms: number): string => `@every ${goDuration(ms)}`;
  const ms = parseDuration(text);
  // One that is negative would call the app without a pause.
  if (ms !== undefined && ms >= 0) return { schedule: every(ms) };
  const iso = ms === undefined ? parseIsoDuration(text) : undefined;
  if (!iso || iso.years + iso.months + iso.days > 0)
    throw createError(`unsupported period format: ${text}`);
  return iso.repeats === undefined || iso.repeats === 0
    ? { schedule: every(iso.ms) }
    : { schedule: every(iso.ms), repeats: iso.repeats };
}

function unknownCode(message: string): string {
  return `rpc error: code = Unknown desc = ${message}`;
}
function createError(message: string, cause?: unknown): Error {
  return actorError("ERR_ACTOR_REMINDER_CREATE", `error creating actor reminder: ${message}`, {
    cause,
  });
}
