import { decodeKey, encodeKey, encodeOwner } from "#components/_shared/due-key.ts";
import type { CallOptions } from "#core/ports/component.ts";
import type { DueKey, DueSelection } from "#core/ports/due-times.ts";
import { afterPrefix, crowdOf, itemAfter } from "./row-keys.ts";
import type { DueTables, ItemRange, ItemRow } from "./tables.ts";

/** Rows that one statement reads. */
const rowsPerPage = 500;

/** The selected items in their order, page by page; no page has more than `most` of them. */
export async function* scanItems(
  tables: DueTables,
  queueKey: Buffer,
  { owner, namePrefix = "" }: DueSelection,
  to: { readonly after?: DueKey | undefined; readonly most: number; readonly withValues: boolean },
  options: CallOptions,
): AsyncGenerator<readonly ItemRow[]> {
  const pages = (low: Buffer, high: Buffer) =>
    scanRange(tables, { queueKey, low, high }, to, options);
  const start = to.after ? itemAfter(bytes(encodeKey(to.after))) : empty;
  if (owner !== undefined || namePrefix === "") {
    const prefix = bytes(owner === undefined ? "" : encodeKey({ owner, name: namePrefix }));
    yield* pages(later(start, prefix), afterPrefix(prefix));
    return;
  }
  // An owner after the other: an index by name alone would cost every entry, and nearly all callers name an owner.
  for (let low: Buffer = start; ;) {
    const range = { queueKey, low, high: afterPrefix(empty) };
    const [[first] = []] = await firstOf(scanRange(tables, range, { ...to, most: 1 }, options));
    if (!first) return;
    const found = decodeKey(first.item.toString()).owner;
    const prefix = bytes(encodeKey({ owner: found, name: namePrefix }));
    yield* pages(later(low, prefix), afterPrefix(prefix));
    // Behind all items of this owner, whose next byte is 0.
    low = bytes(`${encodeOwner(found)}\u0001`);
  }
}

async function* scanRange(
  tables: DueTables,
  range: ItemRange,
  { most, withValues }: { readonly most: number; readonly withValues: boolean },
  options: CallOptions,
): AsyncGenerator<readonly ItemRow[]> {
  const to = { limit: Math.min(most, rowsPerPage), withValues };
  for (let { low } = range; Buffer.compare(low, range.high) < 0;) {
    const from = { ...range, low };
    const rows = await tables.items(from, "key", to, options);
    const crowd = rows.length === to.limit && crowdOf((rows.at(-1) as ItemRow).item);
    if (!crowd) {
      if (rows.length > 0) yield rows.toSorted((a, b) => Buffer.compare(a.item, b.item));
      if (rows.length < to.limit) return;
      low = itemAfter((rows.at(-1) as ItemRow).item);
      continue;
    }
    // Rows that belong between these may be behind the page.
    const before = rows.filter(({ item }) => !crowdOf(item)?.equals(crowd));
    if (before.length > 0) {
      yield before.toSorted((a, b) => Buffer.compare(a.item, b.item));
      low = crowd;
      continue;
    }
    const end = earlier(range.high, afterPrefix(crowd));
    const sorted = await tables.items({ ...from, high: end }, "item", to, options);
    if (sorted.length > 0) yield sorted;
    low = sorted.length < to.limit ? end : itemAfter((sorted.at(-1) as ItemRow).item);
  }
}

async function firstOf<T>(pages: AsyncGenerator<T>): Promise<readonly [T?]> {
  for await (const page of pages) return [page];
  return [];
}
function later(a: Buffer, b: Buffer): Buffer {
  return Buffer.compare(a, b) > 0 ? a : b;
}
function earlier(a: Buffer, b: Buffer): Buffer {
  return Buffer.compare(a, b) < 0 ? a : b;
}
const empty = Buffer.alloc(0);
const bytes = (text: string): Buffer => Buffer.from(text);
