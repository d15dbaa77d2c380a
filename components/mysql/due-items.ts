import { itemAfter, itemKey, keyRange } from "#components/_shared/sql-coordination/row-keys.ts";
import type { ItemRange, ItemRow } from "#components/_shared/sql-coordination/tables.ts";
import type { Database } from "#components/_shared/sql/database.ts";
import type { CallOptions } from "#core/ports/component.ts";
import { dueByKey, idIs, valueFrom } from "./due-rows.ts";

/** `max_sort_length`: of longer values, ORDER BY compares only the first bytes. */
const mostSortedBytes = 1024;

export const inRange =
  "queue_key = ? AND item_key >= ? AND item_key < ? AND item >= ? AND item < ?";
export function boundsOf({ queueKey, low, high }: ItemRange): readonly Buffer[] {
  return [queueKey, ...keyRange(low, high), low, high];
}

/** Whether ORDER BY puts all these items in order. */
export async function canSort(
  { query }: Database,
  range: ItemRange,
  options: CallOptions,
): Promise<boolean> {
  const text = `SELECT MAX(LENGTH(item)) AS length FROM ${dueByKey} WHERE ${inRange}`;
  const { rows } = await query(text, boundsOf(range), options);
  return Number(rows[0]?.["length"] ?? 0) <= mostSortedBytes;
}

/** Looks for the least item again and again: comparisons take all bytes into account. */
export async function itemsOneByOne(
  { query }: Database,
  range: ItemRange,
  { limit, withValues }: { readonly limit: number; readonly withValues: boolean },
  options: CallOptions,
): Promise<readonly ItemRow[]> {
  const found: ItemRow[] = [];
  for (let { low } = range; found.length < limit;) {
    const text = `SELECT MIN(item) AS item FROM ${dueByKey} WHERE ${inRange}`;
    const { rows } = await query(text, boundsOf({ ...range, low }), options);
    const item = rows[0]?.["item"] as Buffer | null;
    if (!item) break;
    low = itemAfter(item);
    const one = `SELECT item, due_at, data FROM outrigger_due WHERE ${idIs}`;
    const { rows: values } = withValues
      ? await query(one, [range.queueKey, itemKey(item)], options)
      : { rows: [] };
    if (!withValues) found.push({ item });
    else if (values[0]) found.push({ item, ...valueFrom(values[0]) });
  }
  return found;
}
