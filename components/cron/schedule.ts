import { messageOf } from "#core/errors/component-error.ts";
import { parseCronExpression } from "#core/util/cron-expression.ts";
import { parseDuration } from "#core/util/duration.ts";

export interface Schedule {
  /** The first moment after this one, in milliseconds since 1970; `undefined` when there is none. */
  next(after: number): number | undefined;
}

/** Throws for text that is not a schedule, and for a schedule that never comes. */
export function parseSchedule(text: string, now: number): Schedule {
  try {
    const schedule = read(text.trim());
    if (schedule.next(now) === undefined) throw new Error("there is no such date");
    return schedule;
  } catch (reason) {
    throw new Error(
      `invalid schedule format '${text}': ${messageOf(reason)}; give five or six cron fields, @daily and the like, or @every 1h30m`,
      { cause: reason },
    );
  }
}

function read(text: string): Schedule {
  const zoned = /^(?:CRON_)?TZ=(\S+)\s+(.*)$/.exec(text);
  const pattern = zoned ? (zoned[2] as string) : text;
  const every = /^@every\s+(\S+)$/.exec(pattern);
  if (every) return interval(every[1] as string);
  return parseCronExpression(pattern, zoned?.[1], "five or six");
}

/** Dapr: whole seconds, one at least. */
function interval(text: string): Schedule {
  const duration = parseDuration(text);
  if (duration === undefined || duration <= 0) throw new Error(`${text} is not a duration`);
  const step = Math.max(1000, Math.floor(duration / 1000) * 1000);
  return { next: (after) => after - (after % 1000) + step };
}
