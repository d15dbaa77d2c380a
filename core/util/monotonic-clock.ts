import type { Clock } from "#core/ports/platform.ts";

/** The time that passes on a clock, for waits: where the clock is set back, it only stands still since it was last asked. */
export function monotonicClock(clock: Pick<Clock, "now">): () => number {
  let last = clock.now();
  let behind = 0;
  return () => {
    const now = clock.now();
    behind += Math.max(0, last - now);
    last = now;
    return now + behind;
  };
}
