import { idText, keyRange } from "#components/_shared/sql-coordination/row-keys.ts";
import type { DueTables } from "#components/_shared/sql-coordination/tables.ts";
import type { Database, SqlResult } from "#components/_shared/sql/database.ts";
import { dueStatements } from "./due-statements.ts";

export function createDueTables({ query }: Database): DueTables {
  return {
    put: async (rows, overwrite, options) => {
      const text = overwrite ? dueStatements.replace : dueStatements.add;
      const columns = [
        rows.map(({ queueKey }) => queueKey),
        rows.map(({ itemKey }) => itemKey),
        rows.map(({ queue }) => queue),
        rows.map(({ item }) => item),
        rows.map(({ dueAt }) => dueAt),
        rows.map(({ data }) => data),
      ];
      const result = await query(text, columns, options);
      if (overwrite) return rows.map(() => true);
      const put = new Set(
        result.rows.map((row) =>
          idText({ queueKey: row["queue_key"] as Buffer, itemKey: row["item_key"] as Buffer }),
        ),
      );
      return rows.map((row) => put.has(idText(row)));
    },
    reschedule: async ({ queueKey, itemKey }, from, to, options) => {
      const values = [queueKey, itemKey, from.dueAt, from.data, to.dueAt, to.data];
      return (await query(dueStatements.reschedule, values, options)).changes > 0;
    },
    get: async ({ queueKey, itemKey }, options) => {
      const { rows } = await query(dueStatements.get, [queueKey, itemKey], options);
      return rows[0] && { dueAt: Number(rows[0]["due_at"]), data: rows[0]["data"] as Buffer };
    },
    remove: async (ids, options) => {
      const keys = [ids.map(({ queueKey }) => queueKey), ids.map(({ itemKey }) => itemKey)];
      return (await query(dueStatements.remove, keys, options)).changes;
    },
    heads: async (queueKeys, options) => {
      const { rows } = await query(dueStatements.heads, [queueKeys], options);
      return rows.map((row) => ({
        queueKey: queueKeys[Number(row["number"]) - 1] as Buffer,
        at: Number(row["next_at"]),
      }));
    },
    take: async (queueKeys, { now, until, limit, claim }, options) => {
      const values = [queueKeys, now, limit, until, claim];
      const { rows } = await query(dueStatements.take, values, options);
      return rows.map((row) => ({
        queueKey: row["queue_key"] as Buffer,
        item: row["item"] as Buffer,
        dueAt: Number(row["due_at"]),
        data: row["data"] as Buffer,
        since: Number(row["since"]),
      }));
    },
    hold: async (claims, until, options) =>
      placesIn(await query(dueStatements.hold, [...claimColumns(claims), until], options)),
    complete: async (claims, options) => {
      const columns = [
        ...claimColumns(claims),
        claims.map(({ next }) => next?.dueAt ?? null),
        claims.map(({ next }) => next?.data ?? null),
      ];
      return placesIn(await query(dueStatements.complete, columns, options));
    },
    items: async ({ queueKey, low, high }, by, { limit, withValues }, options) => {
      const { itemsByKey, itemsByItem, rowsByKey, rowsByItem } = dueStatements;
      const [byKey, byItem] = withValues ? [rowsByKey, rowsByItem] : [itemsByKey, itemsByItem];
      const values = [queueKey, ...keyRange(low, high), low, high, limit];
      const { rows } = await query(by === "key" ? byKey : byItem, values, options);
      return rows.map((row) => ({
        item: row["item"] as Buffer,
        ...(withValues ? { dueAt: Number(row["due_at"]), data: row["data"] as Buffer } : {}),
      }));
    },
  };
}

function claimColumns(claims: Parameters<DueTables["hold"]>[0]): readonly (readonly unknown[])[] {
  return [
    claims.map(({ queueKey }) => queueKey),
    claims.map(({ itemKey }) => itemKey),
    claims.map(({ claim }) => claim),
  ];
}
function placesIn({ rows }: SqlResult): ReadonlySet<number> {
  return new Set(rows.map(({ number }) => Number(number) - 1));
}
