import { hasExpired, withRunNow } from "#core/due-times/trigger.ts";
import type { CallOptions } from "#core/ports/component.ts";
import type { DueEntry, DueTimes } from "#core/ports/due-times.ts";
import type { Clock } from "#core/ports/platform.ts";
import { type JobOwner, jobKey, readStored, writeStored } from "./job.ts";

/**
 * `due`: it is due now. `held`: a runtime runs it, or is about to, so nothing has been changed. `absent`: there is no
 * such job, or its time to live is over.
 */
export type RunNow = "due" | "held" | "absent";

/** Somebody else may change the job between reading it and writing it; after so many times that is what it does. */
const mostTries = 20;

/**
 * Makes a job due now. Whoever serves the app's jobs takes it with its next look. A job with a schedule keeps its times
 * and what is left of its repeats; one without has run then. What others do to the job meanwhile is never undone.
 */
export async function runNow(
  dueTimes: Pick<DueTimes, "get" | "reschedule">,
  app: JobOwner,
  name: string,
  clock: Pick<Clock, "now">,
  options: CallOptions,
): Promise<RunNow> {
  let former: DueEntry | undefined;
  for (let tries = 0; tries < mostTries; tries++) {
    const entry = await dueTimes.get(jobKey(app, name), options);
    if (!entry) return "absent";
    const now = clock.now();
    const { trigger, ...job } = readStored(entry.data);
    if (hasExpired(trigger, now)) return "absent";
    if (former?.dueAt === entry.dueAt && former.data === entry.data) return "held";
    const next = {
      dueAt: Math.min(entry.dueAt, now),
      data: writeStored({ ...job, trigger: withRunNow(trigger, now) }),
    };
    if (await dueTimes.reschedule(entry, next, options)) return "due";
    former = entry;
  }
  return "held";
}
