import type { CallOptions, Component, Data, Metadata } from "./component.ts";

/** A stored value; see `GetStateResponse` in Dapr's API. */
export interface StateItem {
  /** Text if the store holds JSON, bytes if it holds bytes. */
  readonly value: Data;
  /** Version of the value; `undefined` if the store has no ETags. */
  readonly etag?: string;
  /** Sent to the caller as `metadata.*` headers, for example `ttlExpireTime` (RFC 3339). */
  readonly metadata?: Metadata;
}
/** A key to read, and how. */
export interface StateRead {
  readonly key: string;
  /** `undefined` means the store's default. */
  readonly consistency?: Consistency;
  readonly metadata: Metadata;
}
/** Dapr's `StateOptions.concurrency`. */
export type Concurrency = "first-write" | "last-write";
/** Dapr's `StateOptions.consistency`. */
export type Consistency = "strong" | "eventual";

interface StateChange {
  readonly key: string;
  /**
   * The version that the write expects. If present, it is checked regardless of `concurrency`,
   * except in some of Dapr's stores, which ignore it with `last-write`.
   */
  readonly etag?: string;
  /** `first-write` without an ETag means that the write must insert a new key. */
  readonly concurrency?: Concurrency;
  /** `undefined` means the store's default. */
  readonly consistency?: Consistency;
  /** Metadata as the caller sent it, for example `ttlInSeconds`, `contentType`, `partitionKey`. */
  readonly metadata: Metadata;
}
/** Writes a value. */
export interface StatePut extends StateChange {
  readonly op: "put";
  /** JSON text, or bytes that are stored unchanged. */
  readonly value: Data;
}
/** Deletes a key. */
export interface StateDelete extends StateChange {
  readonly op: "delete";
}
export type StateOp = StatePut | StateDelete;

/** A query of stored JSON values in Dapr's query language (`QueryStateAlpha1`). */
export interface StateQuery {
  /**
   * Operators with their operands, as the caller wrote them (`{ EQ: { "person.org": "Dev" } }`).
   * `undefined` or an empty filter matches every value.
   */
  readonly filter?: Readonly<Record<string, unknown>>;
  readonly sort: ReadonlyArray<{ readonly key: string; readonly order: "ASC" | "DESC" }>;
  /**
   * `limit` is the maximum number of results; 0 or `undefined` means no limit. `token` is the
   * `token` of the previous page's result; `undefined` for the first page.
   */
  readonly page: { readonly limit?: number; readonly token?: string };
  /** Metadata as the caller sent it, for example `contentType`, `queryIndexName`. */
  readonly metadata: Metadata;
}
/** One result of a query. */
export interface StateQueryItem extends StateItem {
  readonly key: string;
  /** Why the value could not be read, in which case `value` is empty; `undefined` otherwise. */
  readonly error?: string;
}
/** One page of results. */
export interface StateQueryResult {
  readonly results: readonly StateQueryItem[];
  /** Token for the next page; `undefined` on the last page. */
  readonly token?: string;
  readonly metadata?: Metadata;
}

/** A right to write that ends when somebody else gets it, such as the ownership of an actor. */
export interface Fence {
  /** What is owned. Any text; it is not a key of the store. */
  readonly scope: string;
  /** The fencing token of the claim: see `ActorClaim`. */
  readonly fence: number;
}
/**
 * Writes that a store refuses once it has seen a greater fence of the same scope. The store may
 * forget a scope that nobody has used for a day.
 */
export interface FencedWrites {
  /**
   * Records the fence, so that the store refuses smaller ones from then on.
   *
   * @throws {ComponentError} of kind `fenced` if the store has seen a greater one.
   */
  raise(fence: Fence, options: CallOptions): Promise<void>;
  /**
   * Performs all operations or none, and records the fence.
   *
   * @throws {ComponentError} of kind `fenced`, with nothing written, if the store has seen a greater
   * fence; otherwise as `StateStore.transact`.
   */
  transact(ops: readonly StateOp[], fence: Fence, options: CallOptions): Promise<void>;
}

/** Capabilities of a store that no method shows, by Dapr's names. */
export type StateFeature = "ETAG" | "TTL" | "PARTITION_KEY";

/**
 * A key/value store with optimistic concurrency (`state.*` components). An optional method declares
 * a capability: if the store does not support it, the method is absent.
 *
 * Unless stated otherwise, methods reject with a `ComponentError`.
 */
export interface StateStore extends Component {
  readonly features: readonly StateFeature[];
  /**
   * Resolves with the maximum number of operations in a transaction. `undefined` means that there
   * is no limit, and so does an absent method. Never rejects.
   */
  maxTransactionOperations?(options: CallOptions): Promise<number | undefined>;
  /**
   * Reads several keys. Resolves with one entry per key, in the same order; `undefined` if nothing
   * is stored under the key or the value has expired.
   *
   * @throws {ComponentError} if the store cannot be read.
   */
  read(
    reads: readonly StateRead[],
    options: CallOptions,
  ): Promise<ReadonlyArray<StateItem | undefined>>;
  /**
   * Writes or deletes one key. The change is durable when the promise resolves.
   *
   * @throws {ComponentError} of kind `etag-mismatch` if another writer was faster, and of kind
   *   `etag-invalid` if the ETag is not one of this store.
   */
  write(op: StateOp, options: CallOptions): Promise<void>;
  /**
   * Writes or deletes several keys in one call, in any order and not atomically. If absent, callers
   * write the keys in parallel.
   *
   * @throws {ComponentError} if a change failed; others can have been made.
   */
  writeMany?(
    ops: readonly StatePut[] | readonly StateDelete[],
    options: CallOptions,
  ): Promise<void>;
  /**
   * Performs all operations or none (Dapr's feature `TRANSACTIONAL`).
   *
   * @throws {ComponentError} as for `write`; nothing was changed.
   */
  transact?(ops: readonly StateOp[], options: CallOptions): Promise<void>;
  /** Present if the store can refuse writes of former owners. */
  readonly fenced?: FencedWrites;
  /**
   * Deletes every key that starts with the prefix (Dapr's feature `DELETE_WITH_PREFIX`). Resolves
   * with the number of deleted keys.
   *
   * @throws {ComponentError} if the keys cannot be deleted.
   */
  deleteWithPrefix?(prefix: string, options: CallOptions): Promise<number>;
  /**
   * Returns the keys that match a pattern of SQL's LIKE (`%`, `_`, escape character `\`), in order
   * (Dapr's feature `KEYS_LIKE`).
   *
   * @throws {ComponentError} if the keys cannot be read.
   */
  keysLike?(pattern: string, options: CallOptions): Promise<readonly string[]>;
  /**
   * Returns the values that match, of all apps, with their keys as stored (Dapr's feature
   * `QUERY_API`).
   *
   * @throws {ComponentError} of kind `rejected` if the store does not support the query.
   */
  query?(query: StateQuery, options: CallOptions): Promise<StateQueryResult>;
}
