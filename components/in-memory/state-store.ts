import { ComponentError } from "#core/errors/component-error.ts";
import type { Data } from "#core/ports/component.ts";
import type { Clock } from "#core/ports/platform.ts";
import type { StateItem, StateOp, StateStore } from "#core/ports/state-store.ts";
import { expiryText, ttlSeconds } from "../_shared/ttl.ts";
import { likeMatcher } from "../_shared/like.ts";
import { createFences } from "./fences.ts";

interface Entry {
  readonly value: Data;
  readonly etag: string;
  /** Milliseconds since 1970; absent for what does not expire. */
  readonly expires?: number;
}
/** Expired entries are dropped when they are met, and all of them once so many writes have passed. */
const writesPerSweep = 4096;

export function open(clock: Clock): StateStore {
  const entries = new Map<string, Entry>();
  const fences = createFences(clock);
  let writes = 0;

  function live(key: string): Entry | undefined {
    const entry = entries.get(key);
    if (entry?.expires === undefined || entry.expires > clock.now()) return entry;
    entries.delete(key);
    return undefined;
  }
  function check(op: StateOp): void {
    if (op.etag === undefined || op.etag === "") {
      if (op.concurrency === "first-write" && live(op.key))
        throw new ComponentError("etag-mismatch", "item already exists and no etag was passed");
      return;
    }
    const current = live(op.key)?.etag;
    if (current === op.etag) return;
    throw new ComponentError(
      "etag-mismatch",
      current === undefined
        ? `state not exist or expired for key=${op.key}`
        : `state etag not match for key=${op.key}: current=${current}, expect=${op.etag}`,
    );
  }
  function apply(op: StateOp, ttl: number | undefined): void {
    if (op.op === "delete") {
      entries.delete(op.key);
      return;
    }
    const etag = crypto.randomUUID();
    entries.set(
      op.key,
      ttl !== undefined && ttl > 0
        ? { value: op.value, etag, expires: clock.now() + ttl * 1000 }
        : { value: op.value, etag },
    );
    if (++writes % writesPerSweep === 0) for (const key of entries.keys()) live(key);
  }

  /** Checks all before it changes anything. */
  function applyAll(ops: readonly StateOp[]): void {
    const ttls = ops.map((op) => (op.op === "put" ? ttlSeconds(op.metadata) : undefined));
    for (const op of ops) check(op);
    ops.forEach((op, i) => apply(op, ttls[i]));
  }

  return {
    features: ["ETAG", "TTL"],
    read: async (reads) => reads.map(({ key }) => itemOf(live(key))),
    write: async (op) => {
      const ttl = op.op === "put" ? ttlSeconds(op.metadata) : undefined;
      check(op);
      apply(op, ttl);
    },
    transact: async (ops) => applyAll(ops),
    fenced: {
      raise: async (fence) => {
        fences.check(fence);
        fences.raise(fence);
      },
      transact: async (ops, fence) => {
        fences.check(fence);
        applyAll(ops);
        fences.raise(fence);
      },
    },
    deleteWithPrefix: async (prefix) => {
      let count = 0;
      for (const key of entries.keys()) {
        // Only this level: "a||" does not reach "a||b||c".
        if (!key.startsWith(prefix) || key.slice(prefix.length).includes("||")) continue;
        if (live(key)) count++;
        entries.delete(key);
      }
      return count;
    },
    keysLike: async (pattern) => {
      const fits = likeMatcher(pattern);
      return [...entries.keys()].filter((key) => live(key) && fits(key)).sort();
    },
    [Symbol.asyncDispose]: async () => entries.clear(),
  };
}

function itemOf(entry: Entry | undefined): StateItem | undefined {
  if (!entry?.expires) return entry;
  return {
    value: entry.value,
    etag: entry.etag,
    metadata: { ttlExpireTime: expiryText(entry.expires) },
  };
}
