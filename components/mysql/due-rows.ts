import { compareIds, idText } from "#components/_shared/sql-coordination/row-keys.ts";
import type { ClaimedId, DueId, DueValue } from "#components/_shared/sql-coordination/tables.ts";
import type { SqlRow, SqlSession } from "#components/_shared/sql/database.ts";
import { listOf } from "./placeholders.ts";

/** By an index that is given: from old statistics a server may think that there are few rows, and read all of them. */
export const dueByTime = "outrigger_due FORCE INDEX (outrigger_due_by_time)";
export const dueByKey = "outrigger_due FORCE INDEX (PRIMARY)";
export const columns = "(queue_key, item_key, queue, item, due_at, next_at, claim, data)";
export const replacing = `ON DUPLICATE KEY UPDATE due_at = VALUES(due_at), next_at = VALUES(next_at),
  claim = VALUES(claim), data = VALUES(data)`;
export const idIs = "queue_key = ? AND item_key = ?";
/** Stands in rows that nobody has claimed. */
export const noClaim: Buffer = Buffer.alloc(0);

/** Locks the rows, and answers which of them carry that claim, by their places in the list. */
export async function placesOf(
  session: SqlSession,
  claims: readonly ClaimedId[],
): Promise<ReadonlySet<number>> {
  const claimOf = new Map<string, string>();
  for (const { queueKey, itemKeys } of byQueue(claims)) {
    const text = `SELECT item_key, claim FROM ${dueByKey}
      WHERE queue_key = ? AND item_key IN ${listOf(itemKeys)} FOR UPDATE`;
    const { rows } = await session.query(text, [queueKey, ...itemKeys]);
    for (const row of rows)
      claimOf.set(idText({ queueKey, itemKey: row["item_key"] as Buffer }), String(row["claim"]));
  }
  const places = new Set<number>();
  claims.forEach(({ queueKey, itemKey, claim }, place) => {
    if (claimOf.get(idText({ queueKey, itemKey })) === claim) places.add(place);
  });
  return places;
}

/** In the order of the index, in which all lock rows. MariaDB finds no index for pairs in a list, but for items of one queue. */
export function byQueue(
  ids: readonly DueId[],
): ReadonlyArray<{ readonly queueKey: Buffer; readonly itemKeys: readonly Buffer[] }> {
  const groups: Array<{ queueKey: Buffer; itemKeys: Buffer[] }> = [];
  for (const { queueKey, itemKey } of ids.toSorted(compareIds)) {
    const last = groups.at(-1);
    if (last?.queueKey.equals(queueKey)) last.itemKeys.push(itemKey);
    else groups.push({ queueKey, itemKeys: [itemKey] });
  }
  return groups;
}
export function valueFrom(row: SqlRow): DueValue {
  return { dueAt: Number(row["due_at"]), data: row["data"] as Buffer };
}
