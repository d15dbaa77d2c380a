import type { CallOptions, Component, Data, Metadata } from "./component.ts";

export interface Message {
  readonly data: Data;
  readonly contentType?: string;
  /** What the broker carries beside the payload; reaches the app as headers. */
  readonly metadata: Metadata;
}

export interface TopicSubscription {
  readonly topic: string;
  /** Instances with the same id share the messages; each other id gets every message. Default: the app id. */
  readonly consumerId: string;
  readonly metadata: Metadata;
  /** True: one of several that a consumer may have on the topic, a stream. A broker that keeps no groups by itself gives each of them every message. */
  readonly isStream?: true;
  /** Asked for by a bulk subscription; a broker that batches natively may use it. */
  readonly bulk?: { readonly maxMessagesCount: number; readonly maxAwaitDurationMs: number };
}

/** What to tell the broker: `done` and `drop` acknowledge, `retry` leaves the message to its redelivery. */
export type Ack = "done" | "retry" | "drop";
/** One verdict per message, in order. Never rejects. The signal ends it, with `retry`: give one that outlives the subscription's, since what is in hand when that ends is still delivered. */
export type Deliver = (
  messages: readonly Message[],
  options: CallOptions,
) => Promise<readonly Ack[]>;

export type PubSubFeature =
  | "MESSAGE_TTL"
  | "SUBSCRIBE_WILDCARDS"
  | "BULK_PUBSUB"
  /** Gives no message before the last one is acknowledged, so that a batch must not be waited for. */
  | "BULK_SUBSCRIBE_IMMEDIATE";

export interface PubSub extends Component {
  readonly features: readonly PubSubFeature[];
  /** One entry per message, in order: the failure, or `undefined` once the broker has it. */
  publish(
    topic: string,
    messages: readonly Message[],
    options: CallOptions,
  ): Promise<ReadonlyArray<Error | undefined>>;
  /** Resolves once messages flow; consumes until the signal fires. Absent where the platform pushes (Queues, Functions triggers). */
  subscribe?(
    subscription: TopicSubscription,
    deliver: Deliver,
    options: CallOptions,
  ): Promise<void>;
  /**
   * Has the broker hand out nothing new, for all subscriptions of the component, while what it has handed out can
   * still be acknowledged. Called before the runtime stops. False when it cannot.
   */
  pause?(options: CallOptions): Promise<boolean>;
}
