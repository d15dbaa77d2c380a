import type { Part } from "#core/kernel/part.ts";
import type { CallOptions } from "#core/ports/component.ts";
import type { Clock, Log } from "#core/ports/platform.ts";
import { endsWithin } from "#core/util/time-limit.ts";

export interface ConfigurationSubscription {
  readonly id: string;
  /** Fires when the subscription is over. */
  readonly signal: AbortSignal;
  end(): void;
}

/** An app's running subscriptions to configuration, whichever way they came in. They end with the app. */
export interface ConfigurationSubscriptions {
  readonly log: Log;
  /** Rejects once the app is going away. */
  start(store: string): ConfigurationSubscription;
  /** False when the app has no such subscription; with a store, none to that store. */
  end(id: string, store?: string): boolean;
  /** True while there is one to the store. */
  uses(store: string): boolean;
  /** Runs a call to the app. It outlives its subscription, but not the app. */
  deliver(work: (options: CallOptions) => Promise<void>): Promise<void>;
  /** Ends all, and waits for the calls to the app that are under way, at most 30 s. */
  stop(): Promise<void>;
}

export const configurationSubscriptions: Part<ConfigurationSubscriptions> = {
  name: "configuration.subscriptions",
  create: ({ clock, log }) => createConfigurationSubscriptions(clock, log),
};

const drainMs = 30_000;

export function createConfigurationSubscriptions(
  clock: Clock,
  log: Log,
): ConfigurationSubscriptions {
  const running = new Map<string, { readonly store: string; readonly over: AbortController }>();
  const inFlight = new Set<Promise<void>>();
  const ended = new AbortController();
  let stopping = false;

  const end = (id: string, store?: string): boolean => {
    const subscription = running.get(id);
    if (!subscription || (store !== undefined && store !== subscription.store)) return false;
    running.delete(id);
    subscription.over.abort(new Error(`Subscription ${id} is over`));
    return true;
  };
  return {
    log,
    end,
    uses: (store) => [...running.values()].some((each) => each.store === store),
    start: (store) => {
      if (stopping) throw new Error("the app is stopping");
      const id = crypto.randomUUID();
      const over = new AbortController();
      running.set(id, { store, over });
      return { id, signal: over.signal, end: () => void end(id) };
    },
    deliver: async (work) => {
      const delivery = work({ signal: ended.signal });
      inFlight.add(delivery);
      try {
        await delivery;
      } finally {
        inFlight.delete(delivery);
      }
    },
    stop: async () => {
      stopping = true;
      for (const id of running.keys()) end(id);
      await endsWithin(clock, drainMs, Promise.allSettled(inFlight));
      ended.abort(new Error("The app is stopping"));
    },
  };
}
