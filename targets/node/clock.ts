import { setTimeout as delay } from "node:timers/promises";
import type { Clock } from "#core/ports/platform.ts";

/** Longest delay that Node's timers take, in milliseconds. */
const longest = 2_147_483_647;

const sleeper =
  (ref: boolean): Clock["sleep"] =>
  async (ms, { signal }) => {
    for (let left = ms; left > 0; left -= longest)
      await delay(Math.min(left, longest), undefined, { signal, ref });
  };

const timer =
  (ref: boolean): Clock["after"] =>
  (ms, run) => {
    const made = setTimeout(run, Math.min(ms, longest));
    if (!ref) made.unref();
    return () => clearTimeout(made);
  };

export const clock: Clock = {
  now: Date.now,
  monotonic: () => performance.now(),
  sleep: sleeper(false),
  after: timer(false),
};

/** Keeps the process alive while somebody sleeps: for waits during which nothing else may do so. */
export const holdingClock: Pick<Clock, "sleep" | "after"> = {
  sleep: sleeper(true),
  after: timer(true),
};
