import { DurableObject } from "cloudflare:workers";
import { isLargerThan } from "#components/_shared/is-larger-than.ts";
import { likeMatcher, likePrefix } from "../_shared/like.ts";
import type { Change, Refusal, StateRpc, StoredRow } from "./state-rpc.ts";

/** Expired rows are not read; they are swept at most this often. */
const sweepEveryMs = 60_000;
/** The platform makes the object: nobody is there who could hand a clock to it. */
const timeNow = (): number => Date.now();
/** The platform's limit of a row is 2 MB; local objects take more, so that going over it would show in production only. */
const maxRowBytes = 2_000_000;
/** SQLite compares UTF-8 bytes, and nothing sorts behind the last code point. */
const last = "\u{10FFFF}";

/** One component's state. Every change runs in one SQLite transaction of this object. */
export class StateObject extends DurableObject implements StateRpc {
  readonly #storage: DurableObjectStorage;

  constructor(ctx: DurableObjectState, env: Cloudflare.Env) {
    super(ctx, env);
    this.#storage = ctx.storage;
    this.#storage.sql.exec(
      // The value's own type says what it is: TEXT or BLOB.
      "CREATE TABLE IF NOT EXISTS state (key TEXT PRIMARY KEY, value NOT NULL, etag TEXT NOT NULL, expires INTEGER)",
    );
    this.#storage.sql.exec(
      "CREATE INDEX IF NOT EXISTS state_expires ON state (expires) WHERE expires IS NOT NULL",
    );
  }
  async read(keys: readonly string[]): Promise<ReadonlyArray<StoredRow | null>> {
    const now = timeNow();
    return keys.map((key) => this.#find(key, now));
  }
  async change(changes: readonly Change[]): Promise<Refusal | null> {
    const now = timeNow();
    let refusal: Refusal | undefined;
    try {
      this.#storage.transactionSync(() => {
        for (const change of changes) {
          refusal = this.#refusalOf(change, now);
          if (refusal) throw new Error(refusal.message);
          this.#apply(change, now);
        }
      });
    } catch (reason) {
      if (refusal) return refusal;
      throw reason;
    }
    const due = changes.reduce(
      (first, { ttlSeconds }) => Math.min(first, (ttlSeconds ?? Infinity) * 1000),
      Infinity,
    );
    if (due !== Infinity) await this.#sweepAt(now + due, now);
    return null;
  }
  async deleteWithPrefix(prefix: string): Promise<number> {
    // Only this level: "a||" does not reach "a||b||c".
    const found = this.#storage.sql
      .exec<{ expires: number | null }>(
        "DELETE FROM state WHERE key >= ?1 AND key < ?2 AND instr(substr(key, length(?1) + 1), '||') = 0 RETURNING expires",
        prefix,
        prefix + last,
      )
      .toArray();
    const now = timeNow();
    return found.filter(({ expires }) => expires === null || expires > now).length;
  }
  async keysLike(pattern: string): Promise<readonly string[]> {
    // Not SQL's own LIKE: it ignores case and takes 50 bytes here.
    const fits = likeMatcher(pattern);
    const prefix = likePrefix(pattern);
    return this.#storage.sql
      .exec<{ key: string }>(
        "SELECT key FROM state WHERE key >= ? AND key < ? AND (expires IS NULL OR expires > ?) ORDER BY key",
        prefix,
        prefix + last,
        timeNow(),
      )
      .toArray()
      .map(({ key }) => key)
      .filter(fits);
  }
  override async alarm(): Promise<void> {
    const now = timeNow();
    this.#storage.sql.exec("DELETE FROM state WHERE expires <= ?", now);
    const { next } = this.#storage.sql
      .exec<{ next: number | null }>(
        "SELECT min(expires) AS next FROM state WHERE expires IS NOT NULL",
      )
      .one();
    if (next !== null) await this.#sweepAt(next, now);
  }
  #find(key: string, now: number): StoredRow | null {
    const [row] = this.#storage.sql
      .exec<{ value: string | ArrayBuffer; etag: string; expires: number | null }>(
        "SELECT value, etag, expires FROM state WHERE key = ? AND (expires IS NULL OR expires > ?)",
        key,
        now,
      )
      .toArray();
    if (!row) return null;
    const value = typeof row.value === "string" ? row.value : new Uint8Array(row.value);
    return { value, etag: row.etag, ...(row.expires === null ? {} : { expires: row.expires }) };
  }
  #refusalOf(change: Change, now: number): Refusal | undefined {
    if (
      change.value !== undefined &&
      isLargerThan(change.value, maxRowBytes - 3 * change.key.length)
    )
      return { kind: "rejected", message: "a key and its value must stay below 2 MB" };
    if (change.etag === undefined && !change.insertOnly) return undefined;
    const current = this.#find(change.key, now)?.etag;
    if (change.etag === undefined)
      return current === undefined
        ? undefined
        : { kind: "etag-mismatch", message: "item already exists and no etag was passed" };
    if (current === change.etag) return undefined;
    return {
      kind: "etag-mismatch",
      message:
        current === undefined
          ? `state not exist or expired for key=${change.key}`
          : `state etag not match for key=${change.key}: current=${current}, expect=${change.etag}`,
    };
  }
  #apply({ key, value, ttlSeconds }: Change, now: number): void {
    if (value === undefined) {
      this.#storage.sql.exec("DELETE FROM state WHERE key = ?", key);
      return;
    }
    this.#storage.sql.exec(
      "INSERT OR REPLACE INTO state (key, value, etag, expires) VALUES (?, ?, ?, ?)",
      key,
      typeof value === "string" ? value : new Uint8Array(value).buffer,
      crypto.randomUUID(),
      ttlSeconds === undefined ? null : now + ttlSeconds * 1000,
    );
  }
  async #sweepAt(due: number, now: number): Promise<void> {
    const wanted = Math.max(due, now + sweepEveryMs);
    const set = await this.#storage.getAlarm();
    if (set === null || set > wanted) await this.#storage.setAlarm(wanted);
  }
}
