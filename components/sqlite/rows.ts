import type { DatabaseSync } from "node:sqlite";
import { ComponentError } from "#core/errors/component-error.ts";
import type { Clock } from "#core/ports/platform.ts";
import type { StateDelete, StateItem, StatePut } from "#core/ports/state-store.ts";
import { likeMatcher, likePrefix } from "../_shared/like.ts";
import { afterPrefix } from "./text-order.ts";

/** The statements on the table of values, prepared once. All of them are synchronous. */
export interface Rows {
  read(key: string): StateItem | undefined;
  put(op: StatePut, ttl: number | undefined): void;
  delete(op: StateDelete): void;
  keysLike(pattern: string): readonly string[];
}

export function openRows(db: DatabaseSync, name: string, clock: Clock): Rows {
  const table = `"${name}"`;
  const live = "(expiration_time IS NULL OR expiration_time > ?)";
  const columns = "(key, value, is_binary, etag, update_time, expiration_time)";
  const upsert = `INSERT INTO ${table} ${columns} VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (key) DO UPDATE SET
    value = excluded.value, is_binary = excluded.is_binary, etag = excluded.etag,
    update_time = excluded.update_time, expiration_time = excluded.expiration_time`;
  const statements = {
    read: db.prepare(`SELECT value, is_binary, etag, expiration_time FROM ${table} WHERE key = ?`),
    upsert: db.prepare(upsert),
    insert: db.prepare(`${upsert} WHERE expiration_time IS NOT NULL AND expiration_time <= ?`),
    update: db.prepare(
      `UPDATE ${table} SET value = ?, is_binary = ?, etag = ?, update_time = ?, expiration_time = ?
       WHERE key = ? AND etag = ? AND ${live}`,
    ),
    remove: db.prepare(`DELETE FROM ${table} WHERE key = ?`),
    removeVersion: db.prepare(`DELETE FROM ${table} WHERE key = ? AND etag = ? AND ${live}`),
    keys: db.prepare(`SELECT key FROM ${table} WHERE key >= ? AND ${live} ORDER BY key`),
    keysBelow: db.prepare(
      `SELECT key FROM ${table} WHERE key >= ? AND key < ? AND ${live} ORDER BY key`,
    ),
  };
  return {
    read: (key) => {
      const row = statements.read.get(key) as Row | undefined;
      if (row === undefined) return undefined;
      const expires = row.expiration_time === null ? null : String(row.expiration_time);
      if (expires !== null && expires <= timeText(clock.now())) return undefined;
      const value = row.is_binary === 0 ? row.value : Buffer.from(row.value, "base64");
      return expires === null
        ? { value, etag: row.etag }
        : { value, etag: row.etag, metadata: { ttlExpireTime: `${expires.replace(" ", "T")}Z` } };
    },
    put: (op, ttl) => {
      const text = typeof op.value === "string";
      const value = text ? (op.value as string) : base64(op.value as Uint8Array);
      const binary = text ? 0 : 1;
      const etag = crypto.randomUUID();
      const ms = clock.now();
      const now = timeText(ms);
      const expires = ttl !== undefined && ttl > 0 ? timeText(ms + ttl * 1000) : null;
      if (op.etag !== undefined && op.etag !== "") {
        refuseIf(
          statements.update.run(value, binary, etag, now, expires, op.key, op.etag, now).changes ===
            0,
        );
      } else if (op.concurrency === "first-write") {
        refuseIf(
          statements.insert.run(op.key, value, binary, etag, now, expires, now).changes === 0,
        );
      } else statements.upsert.run(op.key, value, binary, etag, now, expires);
    },
    delete: (op) => {
      // Dapr: without an etag, first-write does not matter here.
      if (op.etag === undefined || op.etag === "") statements.remove.run(op.key);
      else
        refuseIf(
          statements.removeVersion.run(op.key, op.etag, timeText(clock.now())).changes === 0,
        );
    },
    keysLike: (pattern) => {
      const prefix = likePrefix(pattern);
      const end = afterPrefix(prefix);
      const now = timeText(clock.now());
      const found =
        end === undefined
          ? statements.keys.all(prefix, now)
          : statements.keysBelow.all(prefix, end, now);
      // SQLite's own LIKE takes "a" for "A".
      const fits = likeMatcher(pattern);
      return found.map((row) => row["key"] as string).filter(fits);
    },
  };
}

interface Row {
  readonly value: string;
  readonly is_binary: number;
  readonly etag: string;
  readonly expiration_time: string | null;
}

/** Dapr's SQLite store says no more than that. */
function refuseIf(noRow: boolean): void {
  if (noRow) throw new ComponentError("etag-mismatch", "");
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");
}

/** A time as SQLite's CURRENT_TIMESTAMP writes it: UTC, whole seconds. */
export function timeText(ms: number): string {
  return new Date(ms).toISOString().slice(0, 19).replace("T", " ");
}
