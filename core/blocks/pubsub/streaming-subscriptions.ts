import type { Part } from "#core/kernel/part.ts";
import type { Clock, Log } from "#core/ports/platform.ts";
import type { SubscriptionView } from "#core/kernel/subscription-view.ts";

/** An app's subscriptions that came in over a stream. They end with it, or with the app. */
export interface StreamingSubscriptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly views: readonly SubscriptionView[];
  /** Fires once the app is going away. */
  readonly stopping: AbortSignal;
  /** Takes a running one in; answers how to take it out again. Throws once the app is going away. */
  add(view: SubscriptionView, stop: () => Promise<void>): () => void;
  /** Ends those to one component, whose clients may subscribe again. */
  stopOf(pubsub: string): Promise<void>;
  /** Ends all: nothing new is taken in, what waits for an answer has some time for it. */
  stop(): Promise<void>;
}

/** Those that the app holds open over gRPC. */
export const streamingSubscriptions: Part<StreamingSubscriptions> = {
  name: "pubsub.streaming",
  create: ({ clock, log }) => createStreamingSubscriptions(clock, log),
};

export function createStreamingSubscriptions(clock: Clock, log: Log): StreamingSubscriptions {
  const running = new Map<SubscriptionView, () => Promise<void>>();
  const stopping = new AbortController();
  return {
    clock,
    log,
    stopping: stopping.signal,
    get views() {
      return [...running.keys()];
    },
    add: (view, stop) => {
      if (stopping.signal.aborted) throw new Error("the app is stopping");
      running.set(view, stop);
      return () => void running.delete(view);
    },
    stopOf: async (pubsub) => {
      const of = [...running].filter(([view]) => view.pubsubname === pubsub);
      await Promise.allSettled(of.map(([, end]) => end()));
    },
    stop: async () => {
      stopping.abort(new Error("The app is stopping"));
      await Promise.allSettled([...running.values()].map((end) => end()));
    },
  };
}
