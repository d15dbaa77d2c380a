import type { StateItem, StateOp, StateStore } from "#core/ports/state-store.ts";

/** Publishes what a store's transactions write, once they are committed, and only then. */
export interface Outbox {
  readonly store: string;
  readonly settings: OutboxSettings;
  /** The store itself: markers are not the app's values, and are not encrypted. */
  readonly port: StateStore;
  /** Present where the store's values are encrypted; events then hold what is stored. */
  readonly cipher: StateCipher | undefined;
}
export interface OutboxSettings {
  /** Where the app's subscribers are. */
  readonly pubsub: string;
  readonly topic: string;
  /** The broker on which events wait for their transaction. */
  readonly internalPubsub: string;
  /** True: an event whose transaction never came is dropped, not tried again. */
  readonly discardWhenMissing: boolean;
}

/** Encrypts values on their way into a store, and back. */
export interface StateCipher {
  seal<O extends StateOp>(op: O): Promise<O>;
  open(item: StateItem): Promise<StateItem>;
}
