import type { CallOptions } from "#core/ports/component.ts";
import type { Clock } from "#core/ports/platform.ts";
import { isBusy } from "./failure.ts";

const firstPauseMs = 1;
const longestPauseMs = 25;

/** Tries again while another process holds the database, for `waitMs` at most. The event loop stays free meanwhile, which SQLite's own busy handler would block. */
export async function untilFree<T>(
  work: () => T,
  waitMs: number,
  clock: Clock,
  options: CallOptions,
): Promise<T> {
  const deadline = clock.now() + waitMs;
  for (let pause = firstPauseMs; ; pause = Math.min(pause * 2, longestPauseMs)) {
    try {
      return work();
    } catch (reason) {
      const left = deadline - clock.now();
      if (!isBusy(reason) || left <= 0) throw reason;
      await clock.sleep(Math.min(pause, left), options);
    }
  }
}
