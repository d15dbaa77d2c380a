import type { Clock } from "#core/ports/platform.ts";

/**
 * The number of calls that started with one set of resources, so that what they use is not closed
 * before they end.
 */
export interface Calls {
  inFlight: number;
  /** Called after the last call has ended. */
  idle: (() => void) | undefined;
}
/** Returns a counter at zero. */
export function createCalls(): Calls {
  return { inFlight: 0, idle: undefined };
}
/** Counts a call that starts. */
export function enterCalls(calls: Calls): void {
  calls.inFlight++;
}
/** Counts a call that ends. */
export function leave(calls: Calls): void {
  if (--calls.inFlight === 0) calls.idle?.();
}

/**
 * Resolves when all calls have ended, or after `ms` milliseconds. No new calls may start in the
 * meantime.
 */
export function whenIdle(calls: Calls, ms: number, clock: Pick<Clock, "after">): Promise<void> {
  if (calls.inFlight === 0) return Promise.resolve();
  return new Promise((resolve) => {
    const stop = clock.after(ms, resolve);
    calls.idle = () => {
      stop();
      resolve();
    };
  });
}
