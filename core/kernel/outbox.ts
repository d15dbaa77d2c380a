import type { StateItem, StateOp, StateStore } from "#core/ports/state-store.ts";

/** Publishes what the transactions of a state store write, after they are committed. */
export interface Outbox {
  /** Name of the state store. */
  readonly store: string;
  readonly settings: OutboxSettings;
  /** The store without encryption, because markers are not values of the app. */
  readonly port: StateStore;
  /** Present if the values of the store are encrypted; events then contain the encrypted values. */
  readonly cipher: StateCipher | undefined;
}
/** The `outbox*` settings in the metadata of a state store. */
export interface OutboxSettings {
  /** Pub/sub component that the events are published to (`outboxPublishPubsub`). */
  readonly pubsub: string;
  /** Topic that the events are published to (`outboxPublishTopic`). */
  readonly topic: string;
  /** Pub/sub component on which events wait for their transaction (`outboxPubsub`). */
  readonly internalPubsub: string;
  /**
   * True if an event without a transaction is dropped instead of retried
   * (`outboxDiscardWhenMissingState`).
   */
  readonly discardWhenMissing: boolean;
}

/** Encrypts and decrypts the values of a state store. */
export interface StateCipher {
  /** Returns the operation with its value encrypted. */
  seal<O extends StateOp>(op: O): Promise<O>;
  /**
   * Returns the item with its value decrypted.
   *
   * @throws {Error} if the value cannot be decrypted.
   */
  open(item: StateItem): Promise<StateItem>;
}
