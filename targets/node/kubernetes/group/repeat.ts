import { setTimeout as delay } from "node:timers/promises";

const firstMs = 1000;
const longestMs = 30_000;

/** Tries after a second, and after twice as long each time, up to 30 s, until it answers true or the signal fires. */
export async function repeat(attempt: () => Promise<boolean>, signal: AbortSignal): Promise<void> {
  for (let ms = firstMs; !signal.aborted; ms = Math.min(ms * 2, longestMs)) {
    await delay(ms, undefined, { signal, ref: false }).catch(() => {});
    if (signal.aborted || (await attempt())) return;
  }
}
