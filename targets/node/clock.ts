import { setTimeout as delay } from "node:timers/promises";
import type { Clock } from "#core/ports/platform.ts";

/** Longest delay that Node's timers take, in milliseconds. */
const longest = 2_147_483_647;

export const clock: Clock = {
  now: Date.now,
  sleep: async (ms, { signal }) => {
    for (let left = ms; left > 0; left -= longest)
      await delay(Math.min(left, longest), undefined, { signal, ref: false });
  },
  after: (ms, run) => {
    const timer = setTimeout(run, Math.min(ms, longest)).unref();
    return () => clearTimeout(timer);
  },
};
