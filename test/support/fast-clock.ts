import type { Clock } from "#core/ports/platform.ts";

export interface FastClock extends Clock, Disposable {
  /** Resolves after so many milliseconds of the clock. */
  wait(ms: number): Promise<void>;
}

const tickMs = 4;
/** Longer gaps between two ticks are stalls. */
const longestTickMs = 20;

/**
 * Time that passes so many times as fast as it does. It stands still while the process does not run: on a busy machine,
 * leases would end otherwise that nobody had the time to renew.
 */
export function fastClock(speed: number): FastClock {
  const start = Date.now();
  let passedMs = 0;
  let ticked = performance.now();
  const monotonic = (): number => {
    const now = performance.now();
    passedMs += Math.min(now - ticked, longestTickMs) * speed;
    ticked = now;
    return passedMs;
  };
  const ticking = setInterval(monotonic, tickMs).unref();
  const after = (ms: number, run: () => void): (() => void) => {
    const due = monotonic() + ms;
    let timer: NodeJS.Timeout;
    const arm = (): void => {
      timer = setTimeout(
        () => {
          if (monotonic() < due) arm();
          else run();
        },
        Math.max(0, due - monotonic()) / speed,
      ).unref();
    };
    arm();
    return () => clearTimeout(timer);
  };
  return {
    now: () => Math.floor(start + monotonic()),
    monotonic,
    after,
    sleep: (ms, { signal }) =>
      new Promise((resolve, reject) => {
        const stop = (): void => {
          cancel();
          reject(signal.reason as Error);
        };
        const cancel = after(ms, () => {
          signal.removeEventListener("abort", stop);
          resolve();
        });
        if (signal.aborted) stop();
        else signal.addEventListener("abort", stop, { once: true });
      }),
    wait: (ms) => new Promise((resolve) => void after(ms, resolve)),
    [Symbol.dispose]: () => clearInterval(ticking),
  };
}
