import { parseDuration } from "#core/util/duration.ts";
import { addIsoDuration, type IsoDuration, parseIsoDuration } from "#core/util/iso-duration.ts";
import { parsePointInTime } from "#core/util/point-in-time.ts";

/** When a timer ticks, as it was asked for. */
export interface TimerRequest {
  readonly dueTime: string;
  readonly period: string;
  readonly ttl: string;
}
/** When it ticks. */
export interface TimerPlan {
  readonly dueAt: number;
  /** Ticks in all; `Infinity`: no end. */
  readonly ticks: number;
  /** The tick after one that was due then; `undefined`: there is no time between. */
  after(dueAt: number): number | undefined;
  readonly expiresAt: number;
}

/** Throws for what cannot be, in Dapr's words. `key`: of the timer, for those. */
export function planTimer(
  { dueTime, period, ttl }: TimerRequest,
  now: number,
  key: string,
): TimerPlan {
  const due = dueTime === "" ? now : pointIn(dueTime, now, "due time");
  const repetition = period === "" ? once : readPeriod(period);
  const expiresAt = ttl === "" ? Infinity : pointIn(ttl, due, "TTL");
  if (expiresAt < Math.max(due, now))
    throw new Error(
      `timer ${key} has already expired: dueTime: ${new Date(due).toISOString()} TTL: ${ttl}`,
    );
  return { dueAt: Math.max(now, due), expiresAt, ...repetition };
}

function pointIn(text: string, from: number, what: string): number {
  const at = parsePointInTime(text, from);
  if (at === "repeats") throw new Error(`error parsing timer ${what}: repetitions are not allowed`);
  if (at === undefined)
    throw new Error(`error parsing timer ${what}: unsupported time/duration format: ${text}`);
  return at;
}

const once: Pick<TimerPlan, "ticks" | "after"> = { ticks: 1, after: () => undefined };

function readPeriod(text: string): Pick<TimerPlan, "ticks" | "after"> {
  const ms = parseDuration(text);
  // A period that is not positive has no time between.
  if (ms !== undefined)
    return ms > 0 ? { ticks: Infinity, after: (dueAt) => dueAt + Math.ceil(ms) } : once;
  const iso = parseIsoDuration(text);
  if (!iso)
    throw new Error(`invalid timer period: parse error: unsupported duration format: ${text}`);
  if (iso.repeats === 0) throw new Error("invalid timer period: has zero repetitions");
  if (isZero(iso)) return once;
  return { ticks: iso.repeats ?? Infinity, after: (dueAt) => addIsoDuration(dueAt, iso) };
}
function isZero({ years, months, days, ms }: IsoDuration): boolean {
  return years + months + days + ms === 0;
}
