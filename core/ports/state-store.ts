import type { CallOptions, Component, Data, Metadata } from "./component.ts";

export interface StateItem {
  /** Text where the store keeps JSON, bytes where it keeps bytes. */
  readonly value: Data;
  readonly etag?: string;
  /** Goes back as `metadata.*` headers, for example `ttlExpireTime` (RFC 3339). */
  readonly metadata?: Metadata;
}
export interface StateRead {
  readonly key: string;
  readonly consistency?: Consistency;
  readonly metadata: Metadata;
}
export type Concurrency = "first-write" | "last-write";
export type Consistency = "strong" | "eventual";

interface StateChange {
  readonly key: string;
  /** Checked whenever it is there, whatever the concurrency says. */
  readonly etag?: string;
  /** `first-write` without an etag means: insert only. */
  readonly concurrency?: Concurrency;
  readonly consistency?: Consistency;
  /** `ttlInSeconds`, `contentType`, `partitionKey`… as the caller gave them. */
  readonly metadata: Metadata;
}
export interface StatePut extends StateChange {
  readonly op: "put";
  /** JSON text, or bytes to be kept as they are. */
  readonly value: Data;
}
export interface StateDelete extends StateChange {
  readonly op: "delete";
}
export type StateOp = StatePut | StateDelete;

/** What a store can do that no method shows. */
export type StateFeature = "ETAG" | "TTL" | "PARTITION_KEY";

/** Keyed values with optimistic concurrency. An optional method is a capability: it is there or it is not. */
export interface StateStore extends Component {
  readonly features: readonly StateFeature[];
  /** Largest transaction the store takes; absent means no limit. */
  readonly maxTransactionOperations?: number;
  /** One entry per key, in order; `undefined` where nothing is stored or it has expired. */
  read(
    reads: readonly StateRead[],
    options: CallOptions,
  ): Promise<ReadonlyArray<StateItem | undefined>>;
  /** Durable when it resolves. Throws `etag-mismatch` when another writer won, `etag-invalid` for text that is no etag of this store. */
  write(op: StateOp, options: CallOptions): Promise<void>;
  /** All of them or none (TRANSACTIONAL). */
  transact?(ops: readonly StateOp[], options: CallOptions): Promise<void>;
  /** Removes every key that starts with the prefix; answers how many (DELETE_WITH_PREFIX). */
  deleteWithPrefix?(prefix: string, options: CallOptions): Promise<number>;
  /** Keys that match a SQL LIKE pattern (`%`, `_`, escape `\`), in order (KEYS_LIKE). */
  keysLike?(pattern: string, options: CallOptions): Promise<readonly string[]>;
}
