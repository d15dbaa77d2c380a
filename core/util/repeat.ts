import type { Clock } from "#core/ports/platform.ts";

/** Between tries: the first, and the longest. */
export interface Pauses {
  readonly firstMs: number;
  readonly longestMs: number;
}

/** Tries after a pause, and after one twice as long each time, until it answers true or the signal fires. */
export async function repeat(
  attempt: () => Promise<boolean>,
  { firstMs, longestMs }: Pauses,
  clock: Pick<Clock, "sleep">,
  signal: AbortSignal,
): Promise<void> {
  for (let ms = firstMs; !signal.aborted; ms = Math.min(ms * 2, longestMs)) {
    await clock.sleep(ms, { signal }).catch(() => {});
    if (signal.aborted || (await attempt())) return;
  }
}
