import type { Data } from "#core/ports/component.ts";

/** What a state object answers over RPC. Refusals are data: an error loses its class on the way. */
export interface StateRpc {
  read(keys: readonly string[]): Promise<ReadonlyArray<StoredRow | null>>;
  /** All of the changes, in order, or none. */
  change(changes: readonly Change[]): Promise<Refusal | null>;
  deleteWithPrefix(prefix: string): Promise<number>;
  keysLike(pattern: string): Promise<readonly string[]>;
}
export interface StoredRow {
  readonly value: Data;
  readonly etag: string;
  /** Milliseconds since 1970. */
  readonly expires?: number;
}
export interface Change {
  readonly key: string;
  /** Absent: the key is deleted. */
  readonly value?: Data;
  /** Must be the stored one. */
  readonly etag?: string;
  /** Nothing may be stored yet. */
  readonly insertOnly?: boolean;
  readonly ttlSeconds?: number;
}
export interface Refusal {
  readonly kind: "etag-mismatch" | "rejected";
  readonly message: string;
}
