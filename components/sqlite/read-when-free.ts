import type { CallOptions } from "#core/ports/component.ts";
import type { Clock } from "#core/ports/platform.ts";
import { failureOf, isBusy } from "./failure.ts";
import { untilFree } from "./until-free.ts";

/** Reads at once, without a turn of the event loop, unless another process holds the whole database. */
export function readWhenFree<T>(
  work: () => T,
  waitMs: number,
  clock: Clock,
  options: CallOptions,
): T | Promise<T> {
  try {
    return work();
  } catch (reason) {
    if (!isBusy(reason)) throw failureOf(reason);
    return untilFree(work, waitMs, clock, options).catch((late: unknown) => {
      throw failureOf(late);
    });
  }
}
