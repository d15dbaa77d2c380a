import { parseCronExpression } from "#core/util/cron-expression.ts";
import { parseDuration } from "#core/util/duration.ts";

/** When something that recurs is due. */
export interface Schedule {
  /** The first of the times after `tick`, itself one of them, that is later than `after`; `undefined` where there is none. */
  following(tick: number, after: number): number | undefined;
}

const every = "@every ";

/**
 * A schedule of Dapr's: six cron fields, `@daily` and the like, both in UTC or in the time zone that `TZ=` or `CRON_TZ=`
 * names before them, or `@every` with a Go duration. Throws for any other text, in Dapr's words.
 */
export function parseSchedule(text: string): Schedule {
  const { zone, rest } = zoneOf(text);
  if (rest.startsWith(every)) {
    // An interval has no wall clock that a time zone could apply to.
    if (rest !== text) throw new Error(`timezone is not supported for @every schedules: ${text}`);
    return parseEvery(rest);
  }
  const cron = parseCronExpression(rest, zone);
  return { following: (tick, after) => cron.next(Math.max(tick, after)) };
}

function zoneOf(text: string): { readonly zone: string; readonly rest: string } {
  const found = /^(?:CRON_)?TZ=(\S*)/.exec(text);
  if (!found) return { zone: "UTC", rest: text };
  const [prefix, zone = ""] = found;
  const rest = text.slice(prefix.length).trim();
  // Dapr: its scheduler once crashed here.
  if (rest === "") throw new Error(`timezone prefix ${prefix} is not followed by a schedule`);
  return { zone: knownZone(zone), rest };
}

function knownZone(zone: string): string {
  // Go's words for UTC, and for the scheduler's own zone, which is UTC here.
  if (zone === "" || zone === "Local") return "UTC";
  try {
    return new Intl.DateTimeFormat("en", { timeZone: zone }).resolvedOptions().timeZone;
  } catch {
    throw new Error(`provided bad location ${zone}: unknown time zone ${zone}`);
  }
}

/** Counted from the first time on: a run that is late, or slow, moves none of the others. */
function parseEvery(text: string): Schedule {
  const duration = text.slice(every.length);
  const ms = parseDuration(duration);
  if (ms === undefined)
    throw new Error(
      `failed to parse duration ${text}: time: invalid duration ${JSON.stringify(duration)}`,
    );
  // Dapr: takes it, and then calls the app without a pause.
  if (ms < 0) throw new Error(`negative duration is not allowed: ${text}`);
  // Dapr: whole milliseconds, one at least. A sum of fractions may be a hair below what it means.
  const step = Math.max(1, Math.floor(ms + 1e-6));
  return {
    following: (tick, after) =>
      tick + (after < tick ? step : (Math.floor((after - tick) / step) + 1) * step),
  };
}
