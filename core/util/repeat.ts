import type { Clock } from "#core/ports/platform.ts";
import { createBackoff, type Pauses } from "./backoff.ts";

/** Tries after a pause, and after longer ones each time, until it answers true or the signal fires. */
export async function repeat(
  attempt: () => Promise<boolean>,
  pauses: Pauses,
  clock: Pick<Clock, "sleep">,
  signal: AbortSignal,
): Promise<void> {
  const backoff = createBackoff(pauses);
  while (!signal.aborted) {
    await clock.sleep(backoff.next(), { signal }).catch(() => {});
    if (signal.aborted || (await attempt())) return;
  }
}
