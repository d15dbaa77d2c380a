import type { Clock } from "#core/ports/platform.ts";

/** Shares the event loop's busy time out among apps by the work they brought. An attribution: it cannot see what a call really took, nor interrupt one. */
export interface LoopShare {
  /** One app's part, with so many milliseconds a second. */
  take(msPerSecond: number): AppLoop;
  /** Work of an app that has no limit: it counts in the whole. */
  note(bytes: number): void;
}
export interface AppLoop {
  /** Notes the work; false while the app has used more than its part and the loop is busy. */
  admits(bytes: number): boolean;
}

/** Bytes that weigh as much as a call. */
const bytesPerCall = 16_384;
const windowMs = 250;
/** Below this share of busy time nobody is held back: there is enough for all. */
const busy = 0.7;

/** `activeMs`: how long the loop has been busy so far, where the platform can tell. */
export function createLoopShare(
  clock: Pick<Clock, "now">,
  activeMs: (() => number) | undefined,
): LoopShare {
  let began = clock.now();
  let activeAt = activeMs?.() ?? 0;
  let work = 0;
  let window = 0;
  /** Of the last window: how busy, and what a unit of work took. */
  let last = { isBusy: false, msPerWork: 0, ms: windowMs };

  function turn(): void {
    const now = clock.now();
    if (!activeMs || now - began < windowMs) return;
    const active = activeMs();
    const ms = now - began;
    last = {
      isBusy: (active - activeAt) / ms > busy,
      msPerWork: work > 0 ? (active - activeAt) / work : 0,
      ms,
    };
    window++;
    began = now;
    activeAt = active;
    work = 0;
  }
  const weigh = (bytes: number): number => 1 + bytes / bytesPerCall;
  return {
    note: (bytes) => {
      turn();
      work += weigh(bytes);
    },
    take: (msPerSecond) => {
      let mine = 0;
      let of = window;
      let before = 0;
      return {
        admits: (bytes) => {
          turn();
          if (of !== window) {
            before = of === window - 1 ? mine : 0;
            mine = 0;
            of = window;
          }
          // What the last window cost decides, and what this one has brought already.
          const allowed = (msPerSecond * windowMs) / 1000;
          if (
            last.isBusy &&
            Math.max(mine, before * (windowMs / last.ms) - mine) * last.msPerWork > allowed
          )
            return false;
          const added = weigh(bytes);
          mine += added;
          work += added;
          return true;
        },
      };
    },
  };
}
