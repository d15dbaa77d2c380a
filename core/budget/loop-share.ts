import type { Clock } from "#core/ports/platform.ts";
import { createHoldBack, type HoldBack } from "./hold-back.ts";

/** Shares the event loop's busy time out among apps by the work they brought. An attribution: it cannot see what a call really took, nor interrupt one. */
export interface LoopShare {
  /** One app's part, with so many milliseconds a second. */
  take(msPerSecond: number): AppLoop;
  /** Work of an app that has no limit: it counts in the whole. */
  note(bytes: number): void;
  /** The same for what a call turned out to be beyond its bytes, counted in calls. */
  charge(calls: number): void;
  /** For one app's refusals; `undefined` where no event loop is known to be shared. */
  holdBack(): HoldBack | undefined;
}
export interface AppLoop {
  /**
   * Notes the work; false while the app has used more than its part and the loop is busy. `wantsMore`: the app has
   * calls that wait for their refusal, so that a loop which is calm is so because they do.
   */
  admits(bytes: number, wantsMore: boolean): boolean;
  /** Work that a call turned out to be beyond its bytes, counted in calls. */
  charge(calls: number): void;
}

/** Bytes that weigh as much as a call. */
const bytesPerCall = 16_384;
const windowMs = 250;
/** Below this share of busy time nobody is held back: there is enough for all. */
const busy = 0.7;
/** An app's part of so long can be used at once: what it may use is spread out, so that others get in between. */
const burstMs = 20;

/** `activeMs`: how long the loop has been busy so far, where the platform can tell. */
export function createLoopShare(
  clock: Pick<Clock, "now" | "after">,
  activeMs: (() => number) | undefined,
): LoopShare {
  let began = clock.now();
  let activeAt = activeMs?.() ?? 0;
  let work = 0;
  /** Of the last window: how busy, and what a unit of work took. */
  let last = { isBusy: false, msPerWork: 0 };

  function turn(now: number): void {
    if (!activeMs || now - began < windowMs) return;
    const active = activeMs();
    last = {
      isBusy: (active - activeAt) / (now - began) > busy,
      msPerWork: work > 0 ? (active - activeAt) / work : 0,
    };
    began = now;
    activeAt = active;
    work = 0;
  }
  const weigh = (bytes: number): number => 1 + bytes / bytesPerCall;
  return {
    note: (bytes) => {
      turn(clock.now());
      work += weigh(bytes);
    },
    charge: (calls) => {
      work += calls;
    },
    holdBack: () => (activeMs ? createHoldBack(clock) : undefined),
    take: (msPerSecond) => {
      const perMs = msPerSecond / 1000;
      /** Milliseconds of the loop that the app may still use; below 0 it has used more than its part. */
      let credit = perMs * burstMs;
      let at = began;
      const use = (added: number): void => {
        work += added;
        // What it used while there was enough for all is held against it for one window at most.
        credit = Math.max(credit - added * last.msPerWork, -perMs * windowMs);
      };
      return {
        charge: use,
        admits: (bytes, wantsMore) => {
          const now = clock.now();
          turn(now);
          credit = Math.min(credit + (now - at) * perMs, perMs * burstMs);
          at = now;
          if (credit < 0 && (last.isBusy || wantsMore)) return false;
          use(weigh(bytes));
          return true;
        },
      };
    },
  };
}
