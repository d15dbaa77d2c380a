import type { Clock } from "#core/ports/platform.ts";
import type { DeclaredSubscription } from "#core/resources/declared-subscription.ts";
import { createBackoff, type Pauses } from "#core/util/backoff.ts";

/** What an app has said of its own subscriptions, kept from one time that it is asked to the next. */
export interface Asked {
  /** What it wanted when it last answered. */
  subscriptions: readonly DeclaredSubscription[];
  /** Why it could not be asked; `undefined` once it has answered. */
  failure: string | undefined;
}

/** Asks again by itself for as long as that is needed. */
export interface AskAgain {
  /** What came of asking: true when it is to be asked again. False also ends what has begun, and the next wait is short. */
  set(needed: boolean): void;
  /** Ends the wait, or the asking that follows it: somebody else asks now. */
  cancel(): void;
}
const waits: Pauses = { firstMs: 5000, longestMs: 60_000 };

export function createAskAgain(clock: Clock, ask: (signal: AbortSignal) => void): AskAgain {
  const backoff = createBackoff(waits);
  let waitMs = backoff.next();
  let stopWaiting = (): void => {};
  let asking = new AbortController();
  const cancel = (): void => {
    stopWaiting();
    asking.abort();
  };
  return {
    cancel,
    set: (needed) => {
      cancel();
      if (!needed) {
        backoff.reset();
        waitMs = backoff.next();
        return;
      }
      const { signal } = (asking = new AbortController());
      stopWaiting = clock.after(waitMs, () => {
        waitMs = backoff.next();
        ask(signal);
      });
    },
  };
}
