import type { TakenRow } from "#components/_shared/sql-coordination/tables.ts";
import type { SqlSession } from "#components/_shared/sql/database.ts";
import { dueByTime, valueFrom } from "./due-rows.ts";
import { listOf } from "./placeholders.ts";

/** Queues that one statement looks at. */
export const queuesAtOnce = 64;

/** How many of the entries that are due longest are in each queue, `limit` of them together. */
export async function countDue(
  session: SqlSession,
  queueKeys: readonly Buffer[],
  now: number,
  limit: number,
): Promise<ReadonlyArray<{ readonly queueKey: Buffer; readonly rows: number }>> {
  if (queueKeys.length === 1) return [{ queueKey: queueKeys[0] as Buffer, rows: limit }];
  let longest: Array<{ queueKey: Buffer; at: number }> = [];
  for (let i = 0; i < queueKeys.length; i += queuesAtOnce) {
    const some = queueKeys.slice(i, i + queuesAtOnce);
    const each = some.map(
      () => `(SELECT queue_key, next_at FROM ${dueByTime}
        WHERE queue_key = ? AND next_at <= ? ORDER BY next_at LIMIT ?)`,
    );
    const text = `${each.join(" UNION ALL ")} ORDER BY next_at LIMIT ?`;
    const values = [...some.flatMap((queueKey) => [queueKey, now, limit]), limit];
    const { rows } = await session.query(text, values);
    for (const row of rows)
      longest.push({ queueKey: row["queue_key"] as Buffer, at: Number(row["next_at"]) });
    longest = longest.sort((a, b) => a.at - b.at).slice(0, limit);
  }
  const counts = new Map<string, { queueKey: Buffer; rows: number }>();
  for (const { queueKey } of longest) {
    const key = queueKey.toString("latin1");
    const count = counts.get(key) ?? { queueKey, rows: 0 };
    count.rows++;
    counts.set(key, count);
  }
  return [...counts.values()].sort((a, b) => Buffer.compare(a.queueKey, b.queueKey));
}

export async function takeFrom(
  session: SqlSession,
  queueKey: Buffer,
  to: { now: number; until: number; limit: number; claim: string },
): Promise<readonly TakenRow[]> {
  const { rows } = await session.query(
    `SELECT item_key, item, due_at, next_at, data FROM ${dueByTime}
     WHERE queue_key = ? AND next_at <= ? ORDER BY next_at LIMIT ? FOR UPDATE SKIP LOCKED`,
    [queueKey, to.now, to.limit],
  );
  if (rows.length === 0) return [];
  const itemKeys = rows.map((row) => row["item_key"] as Buffer);
  await session.query(
    `UPDATE outrigger_due SET next_at = ?, claim = ?
     WHERE queue_key = ? AND item_key IN ${listOf(itemKeys)}`,
    [to.until, Buffer.from(to.claim), queueKey, ...itemKeys],
  );
  return rows.map((row) => ({
    queueKey,
    item: row["item"] as Buffer,
    ...valueFrom(row),
    since: Number(row["next_at"]),
  }));
}
