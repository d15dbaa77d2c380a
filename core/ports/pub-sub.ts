import type { CallOptions, Component, Data, Metadata } from "./component.ts";

/** A message of a broker. */
export interface Message {
  readonly data: Data;
  /** Media type of the data; `undefined` if it is not known. */
  readonly contentType?: string;
  /** What the broker carries in addition to the payload. The app receives it as headers. */
  readonly metadata: Metadata;
}

/** What a component needs to subscribe to a topic. */
export interface TopicSubscription {
  readonly topic: string;
  /**
   * Dapr's `consumerID`. Subscribers with the same id share the messages, and each id gets every
   * message. Defaults to the app id.
   */
  readonly consumerId: string;
  readonly metadata: Metadata;
  /**
   * True for a streaming subscription, of which a consumer can have several on the same topic. A
   * broker without consumer groups delivers every message to each of them.
   */
  readonly isStream?: true;
  /**
   * Dapr's `bulkSubscribe` settings (`maxAwaitDurationMs` in milliseconds). `undefined` unless the
   * subscription asks for batches. A broker with native batches can use them.
   */
  readonly bulk?: { readonly maxMessagesCount: number; readonly maxAwaitDurationMs: number };
}

/**
 * The outcome for a message. `done` and `drop` acknowledge it; `retry` leaves it to the broker's
 * redelivery.
 */
export type Ack = "done" | "retry" | "drop";
/**
 * Delivers messages to the app. Resolves with one outcome per message, in the same order. Never
 * rejects.
 *
 * When the signal fires, the outcome is `retry`. Pass a signal that outlives the signal of the
 * subscription, because messages in flight are still delivered when the subscription ends.
 */
export type Deliver = (
  messages: readonly Message[],
  options: CallOptions,
) => Promise<readonly Ack[]>;

/** Dapr's names for the features of a broker. */
export type PubSubFeature =
  | "MESSAGE_TTL"
  | "SUBSCRIBE_WILDCARDS"
  | "BULK_PUBSUB"
  /**
   * The broker delivers a message only after the previous one is acknowledged, so a bulk
   * subscription must not wait until a batch is full.
   */
  | "BULK_SUBSCRIBE_IMMEDIATE";

/** A message broker (`pubsub.*` components). */
export interface PubSub extends Component {
  readonly features: readonly PubSubFeature[];
  /**
   * Publishes messages. Resolves with one entry per message, in the same order: `undefined` when
   * the broker has accepted the message, or else its failure.
   *
   * @throws {Error} if all messages failed for the same reason.
   */
  publish(
    topic: string,
    messages: readonly Message[],
    options: CallOptions,
  ): Promise<ReadonlyArray<Error | undefined>>;
  /**
   * Subscribes to a topic. Resolves when messages are being delivered, and continues to deliver
   * them until the signal fires. Absent if the platform pushes messages (Cloudflare Queues,
   * triggers of Azure Functions).
   *
   * @throws {Error} if the component cannot subscribe.
   */
  subscribe?(
    subscription: TopicSubscription,
    deliver: Deliver,
    options: CallOptions,
  ): Promise<void>;
  /**
   * Pauses all subscriptions of the component before the runtime stops: the broker delivers no new
   * messages, but messages in flight can still be acknowledged. Resolves with false if the broker
   * cannot be paused. Absent if the component cannot pause.
   */
  pause?(options: CallOptions): Promise<boolean>;
}
