import type { CallOptions } from "#core/ports/component.ts";
import type { Clock } from "#core/ports/platform.ts";
import { pauseAfter, type Pauses } from "#core/util/backoff.ts";
import { isBusy } from "./failure.ts";

/** Short: nobody is told when the database is free, and a busy one is free only for moments. A try costs microseconds. */
const pauses: Pauses = { firstMs: 1, longestMs: 4 };

/** Tries again while another process holds the database, for `waitMs` at most. The event loop stays free meanwhile, which SQLite's own busy handler would block. */
export async function untilFree<T>(
  work: () => T,
  waitMs: number,
  clock: Clock,
  options: CallOptions,
): Promise<T> {
  const deadline = clock.now() + waitMs;
  for (let failures = 0; ; failures++) {
    try {
      return work();
    } catch (reason) {
      const left = deadline - clock.now();
      if (!isBusy(reason) || left <= 0) throw reason;
      await clock.sleep(Math.min(pauseAfter(failures, pauses), left), options);
    }
  }
}
