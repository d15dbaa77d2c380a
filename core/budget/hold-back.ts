import type { Clock } from "#core/ports/platform.ts";

/**
 * Gives an app's refusals out one after the other. A refusal costs the event loop nearly as much as a call, so that an
 * app which asks again at once would take from all others what its budget denies it; while it waits for its refusal it
 * asks nothing.
 */
export interface HoldBack {
  /** Resolves when a call with a body of so many bytes may be refused; `undefined`: now. */
  turn(bytes: number): Promise<void> | undefined;
  /** Refusals wait. */
  readonly isHolding: boolean;
}

/** Refusals of an app that has had none for a while are given at once, up to this many. */
const free = 20;
const gapMs = 5;
/** Bytes that make the gap after a refusal as long again: who is refused goes on sending what was on its way. */
const bytesPerGap = 16_384;
/** Nobody waits longer, or his client would give up. */
const longestMs = 5000;
/** More are not kept: each keeps a request. */
const mostHeld = 5000;

export function createHoldBack(clock: Pick<Clock, "now" | "after">): HoldBack {
  let next = 0;
  let held = 0;
  return {
    get isHolding() {
      return held > 0;
    },
    turn: (bytes) => {
      const now = clock.now();
      const at = Math.max(next, now - free * gapMs);
      const wait = Math.min(at - now, longestMs);
      // No further ahead than anybody waits: a flood is not paid for long after it.
      next = Math.min(at, now + longestMs) + gapMs * (1 + bytes / bytesPerGap);
      if (wait <= 0 || held >= mostHeld) return undefined;
      held++;
      return new Promise((resolve) => {
        clock.after(wait, () => {
          held--;
          resolve();
        });
      });
    },
  };
}
