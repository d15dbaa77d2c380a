import type { Clock } from "#core/ports/platform.ts";

/** Calls that began under one set of documents, counted so that what they use outlives them. */
export interface Calls {
  inFlight: number;
  /** Runs once the last one has ended. */
  idle: (() => void) | undefined;
}
export function createCalls(): Calls {
  return { inFlight: 0, idle: undefined };
}
export function enterCalls(calls: Calls): void {
  calls.inFlight++;
}
export function leave(calls: Calls): void {
  if (--calls.inFlight === 0) calls.idle?.();
}

/** Resolves when no call is left that began before, or after so many milliseconds. No call may begin any more. */
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
