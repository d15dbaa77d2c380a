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
  /** Checked whenever it is there, whatever the concurrency says; but some stores of Dapr's do not look at it with `last-write`. */
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

/** A query of stored JSON, in Dapr's language. */
export interface StateQuery {
  /** Operator -> operand, as the caller wrote it (`{ EQ: { "person.org": "Dev" } }`); empty or absent: every value. */
  readonly filter?: Readonly<Record<string, unknown>>;
  readonly sort: ReadonlyArray<{ readonly key: string; readonly order: "ASC" | "DESC" }>;
  /** `limit` 0 or absent means no limit; `token` is where the last page ended. */
  readonly page: { readonly limit?: number; readonly token?: string };
  /** As the caller gave it (`contentType`, `queryIndexName`…). */
  readonly metadata: Metadata;
}
export interface StateQueryItem extends StateItem {
  readonly key: string;
  /** Why this value could not be read; it is empty then. */
  readonly error?: string;
}
export interface StateQueryResult {
  readonly results: readonly StateQueryItem[];
  /** For the next page; absent after the last one. */
  readonly token?: string;
  readonly metadata?: Metadata;
}

/** What a store can do that no method shows. */
export type StateFeature = "ETAG" | "TTL" | "PARTITION_KEY";

/** Keyed values with optimistic concurrency. An optional method is a capability: it is there or it is not. */
export interface StateStore extends Component {
  readonly features: readonly StateFeature[];
  /** Operations of the largest transaction that the store takes; absent or `undefined` means no limit. Never rejects. */
  maxTransactionOperations?(options: CallOptions): Promise<number | undefined>;
  /** One entry per key, in order; `undefined` where nothing is stored or it has expired. */
  read(
    reads: readonly StateRead[],
    options: CallOptions,
  ): Promise<ReadonlyArray<StateItem | undefined>>;
  /** Durable when it resolves. Throws `etag-mismatch` when another writer won, `etag-invalid` for text that is not an etag of this store. */
  write(op: StateOp, options: CallOptions): Promise<void>;
  /** Several keys in one call, neither in order nor all or none. Absent: whoever has several writes them side by side. */
  writeMany?(
    ops: readonly StatePut[] | readonly StateDelete[],
    options: CallOptions,
  ): Promise<void>;
  /** All of them or none (TRANSACTIONAL). */
  transact?(ops: readonly StateOp[], options: CallOptions): Promise<void>;
  /** Removes every key that starts with the prefix; answers how many (DELETE_WITH_PREFIX). */
  deleteWithPrefix?(prefix: string, options: CallOptions): Promise<number>;
  /** Keys that match a SQL LIKE pattern (`%`, `_`, escape `\`), in order (KEYS_LIKE). */
  keysLike?(pattern: string, options: CallOptions): Promise<readonly string[]>;
  /** The values that match, of all apps: keys are those that are stored (QUERY_API). Throws `rejected` for what it cannot be asked. */
  query?(query: StateQuery, options: CallOptions): Promise<StateQueryResult>;
}
