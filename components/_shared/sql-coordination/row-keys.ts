import { createHash } from "node:crypto";
import type { DueId } from "./tables.ts";

const keyBytes = 16;

/**
 * A key of fixed length for texts of any length, in place of them in indexes: PostgreSQL and MySQL bound the length of
 * what they index. Other texts have another key, for 128 bits of SHA-256.
 */
export function rowKey(...texts: readonly string[]): Buffer {
  return createHash("sha256").update(JSON.stringify(texts)).digest().subarray(0, keyBytes);
}

/** Bytes of an item that are in the index as they are, if it is a long one. */
export const headBytes = 368;
const hashBytes = 32;

/**
 * The key of an item in the index, unique and ordered as the items are. A long item is cut and its hash appended; those
 * with the same first bytes are in no order then. No short item is as long as a long one's key, so they cannot be equal.
 */
export function itemKey(item: Buffer): Buffer {
  if (item.length < headBytes + hashBytes) return item;
  const hash = createHash("sha256").update(item).digest();
  return Buffer.concat([item.subarray(0, headBytes), hash]);
}

/** The part of an item by which others may be out of order with it; `undefined` for those that are never. */
export function crowdOf(item: Buffer): Buffer | undefined {
  return item.length < headBytes ? undefined : item.subarray(0, headBytes);
}

/** The keys of all items from `low` to before `high` are in this range, and some others may be. */
export function keyRange(low: Buffer, high: Buffer): readonly [from: Buffer, to: Buffer] {
  return [low.subarray(0, headBytes), high.length <= headBytes ? high : afterCrowd(high)];
}
/** Before the keys of all items that start with other bytes and are greater. */
function afterCrowd(item: Buffer): Buffer {
  const end = Buffer.from(item.subarray(0, headBytes));
  // No byte of UTF-8 is 255, so there is no carry.
  end[headBytes - 1]! += 1;
  return end;
}

/** The least item that is greater. */
export function itemAfter(item: Buffer): Buffer {
  return Buffer.concat([item, zero]);
}
/** Greater than every item that starts with these bytes: no byte of UTF-8 is 255. */
export function afterPrefix(prefix: Buffer): Buffer {
  return Buffer.concat([prefix, largest]);
}
const zero = Buffer.from([0]);
const largest = Buffer.from([255]);

/** The order of the index, in which all lock rows, so that none wait for each other in a circle. */
export function compareIds(a: DueId, b: DueId): number {
  return Buffer.compare(a.queueKey, b.queueKey) || Buffer.compare(a.itemKey, b.itemKey);
}
/** For maps. */
export function idText({ queueKey, itemKey: key }: DueId): string {
  return queueKey.toString("latin1") + key.toString("latin1");
}
