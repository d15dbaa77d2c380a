import type { CallOptions } from "#core/ports/component.ts";
import { orAborted } from "#core/util/time-limit.ts";

/** Whether an app may call actors: it has been asked for its types, and they are known to others. */
export interface Readiness {
  readonly isBegun: boolean;
  /** Resolves once the app may call actors: its own are known to others. */
  ready(options: CallOptions): Promise<void>;
  /** The app has been asked for its types; `known` resolves once others know of them. */
  begin(known: Promise<void>): void;
  /** The app has to be asked again: its calls wait until it has begun once more. */
  suspend(): void;
}

export function createReadiness(): Readiness {
  let begun = Promise.withResolvers<void>();
  let isBegun = false;
  let isReady = false;
  return {
    get isBegun() {
      return isBegun;
    },
    ready: async (options) => {
      while (!isReady) await orAborted(begun.promise, options);
    },
    begin: (known) => {
      isBegun = true;
      const mine = begun;
      void known.then(() => {
        if (mine !== begun) return;
        isReady = true;
        mine.resolve();
      });
    },
    suspend: () => {
      isBegun = false;
      isReady = false;
      const former = begun;
      begun = Promise.withResolvers<void>();
      // Whoever waits goes on to wait for the new one.
      former.resolve();
    },
  };
}
