import type { DueTables } from "#components/_shared/sql-coordination/tables.ts";
import type { Database } from "#components/_shared/sql/database.ts";
import { createDueClaims } from "./due-claims.ts";
import { boundsOf, canSort, inRange, itemsOneByOne } from "./due-items.ts";
import {
  byQueue,
  columns,
  dueByKey,
  dueByTime,
  idIs,
  noClaim,
  placesOf,
  replacing,
  valueFrom,
} from "./due-rows.ts";
import { listOf } from "./placeholders.ts";
import { queuesAtOnce } from "./due-takes.ts";
import { transaction } from "./transaction.ts";

export function createDueTables(database: Database): DueTables {
  const { query, run } = database;
  return {
    put: async (rows, overwrite, options) => {
      // Tells the rows of this statement from those that have been there.
      const mark = overwrite ? noClaim : Buffer.from(`put:${crypto.randomUUID()}`.slice(0, 32));
      const values = rows.flatMap(({ queueKey, itemKey, queue, item, dueAt, data }) => [
        [queueKey, itemKey, queue, item, dueAt, dueAt, mark, data],
      ]);
      const lists = values.map(listOf).join(", ");
      if (overwrite) {
        const text = `INSERT INTO outrigger_due ${columns} VALUES ${lists} ${replacing}`;
        await query(text, values.flat(), options);
        return rows.map(() => true);
      }
      return run(
        (session) =>
          transaction(session, async () => {
            const text = `INSERT IGNORE INTO outrigger_due ${columns} VALUES ${lists}`;
            const { changes } = await session.query(text, values.flat());
            if (changes === rows.length) return rows.map(() => true);
            if (changes === 0) return rows.map(() => false);
            const put = await placesOf(
              session,
              rows.map((row) => ({ ...row, claim: String(mark) })),
            );
            return rows.map((_, place) => put.has(place));
          }),
        options,
      );
    },
    reschedule: async ({ queueKey, itemKey }, from, to, options) => {
      const text = `UPDATE outrigger_due SET due_at = ?, next_at = ?, data = ?
        WHERE ${idIs} AND due_at = ? AND data = ? AND claim = ?`;
      const values = [to.dueAt, to.dueAt, to.data, queueKey, itemKey, from.dueAt, from.data];
      return (await query(text, [...values, noClaim], options)).changes > 0;
    },
    get: async ({ queueKey, itemKey }, options) => {
      const text = `SELECT due_at, data FROM outrigger_due WHERE ${idIs}`;
      const { rows } = await query(text, [queueKey, itemKey], options);
      return rows[0] && valueFrom(rows[0]);
    },
    remove: async (ids, options) => {
      let changes = 0;
      for (const { queueKey, itemKeys } of byQueue(ids)) {
        const text = `DELETE FROM outrigger_due WHERE queue_key = ? AND item_key IN ${listOf(itemKeys)}`;
        changes += (await query(text, [queueKey, ...itemKeys], options)).changes;
      }
      return changes;
    },
    heads: async (queueKeys, options) => {
      const found: Array<{ queueKey: Buffer; at: number }> = [];
      for (let i = 0; i < queueKeys.length; i += queuesAtOnce) {
        const some = queueKeys.slice(i, i + queuesAtOnce);
        const each = some.map(
          () => `(SELECT queue_key, next_at FROM ${dueByTime}
            WHERE queue_key = ? ORDER BY next_at LIMIT 1)`,
        );
        const { rows } = await query(each.join(" UNION ALL "), some, options);
        for (const row of rows)
          found.push({ queueKey: row["queue_key"] as Buffer, at: Number(row["next_at"]) });
      }
      return found;
    },
    ...createDueClaims(database),
    items: async (range, by, { limit, withValues }, options) => {
      if (by === "item" && !(await canSort(database, range, options)))
        return itemsOneByOne(database, range, { limit, withValues }, options);
      const text = `SELECT item${withValues ? ", due_at, data" : ""} FROM ${dueByKey}
        WHERE ${inRange} ORDER BY ${by === "key" ? "item_key" : "item"} LIMIT ?`;
      const { rows } = await query(text, [...boundsOf(range), limit], options);
      return rows.map((row) => ({
        item: row["item"] as Buffer,
        ...(withValues ? valueFrom(row) : {}),
      }));
    },
  };
}
