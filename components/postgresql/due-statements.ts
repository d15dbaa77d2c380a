/**
 * A limit that PostgreSQL does not know when it plans. If it knows it, and thinks because of old statistics that there
 * are fewer rows, then it would rather read and sort all of them, which may be a million, than follow the index.
 */
const limitedTo = (parameter: string): string => `LIMIT (SELECT ${parameter}::bigint)`;
const dueIn = (key: string): string =>
  `d.queue_key = ${key} AND d.next_at <= $2 ORDER BY d.next_at`;

type Statement =
  | "add"
  | "replace"
  | "reschedule"
  | "get"
  | "remove"
  | "heads"
  | "take"
  | "hold"
  | "complete"
  | "itemsByKey"
  | "rowsByKey"
  | "itemsByItem"
  | "rowsByItem";

/** All of them are led to their rows by an index. */
export const dueStatements: Readonly<Record<Statement, string>> = {
  add: putStatement("DO NOTHING RETURNING queue_key, item_key"),
  replace: putStatement(
    `DO UPDATE SET due_at = excluded.due_at, next_at = excluded.next_at, claim = '',
     data = excluded.data`,
  ),
  reschedule: `UPDATE outrigger_due SET due_at = $5, next_at = $5, data = $6
    WHERE queue_key = $1 AND item_key = $2 AND due_at = $3 AND data = $4 AND claim = ''`,
  get: "SELECT due_at, data FROM outrigger_due WHERE queue_key = $1 AND item_key = $2",
  remove: `DELETE FROM outrigger_due d USING unnest($1::bytea[], $2::bytea[]) AS r (queue_key, item_key)
    WHERE d.queue_key = r.queue_key AND d.item_key = r.item_key`,
  heads: `SELECT q.number, head.next_at FROM unnest($1::bytea[]) WITH ORDINALITY AS q (key, number)
    CROSS JOIN LATERAL (SELECT next_at FROM outrigger_due d
      WHERE d.queue_key = q.key ORDER BY next_at LIMIT 1) AS head`,
  // How many of those that are due longest are in each queue is counted first, so that no more than these are locked.
  take: `WITH wanted AS MATERIALIZED (
      SELECT key, count(*) AS rows FROM (
        SELECT q.key, due.next_at FROM unnest($1::bytea[]) AS q (key)
        CROSS JOIN LATERAL (SELECT next_at FROM outrigger_due d
          WHERE ${dueIn("q.key")} ${limitedTo("$3")}) AS due
        ORDER BY due.next_at LIMIT $3) AS longest
      GROUP BY key),
    due AS MATERIALIZED (
      SELECT found.* FROM wanted CROSS JOIN LATERAL (
        SELECT queue_key, item_key, next_at FROM outrigger_due d
        WHERE ${dueIn("wanted.key")} LIMIT wanted.rows FOR UPDATE SKIP LOCKED) AS found
      LIMIT $3)
    UPDATE outrigger_due d SET next_at = $4, claim = $5 FROM due
    WHERE d.queue_key = due.queue_key AND d.item_key = due.item_key
    RETURNING d.queue_key, d.item, d.due_at, d.data, due.next_at AS since`,
  hold: `UPDATE outrigger_due d SET next_at = $4
    FROM unnest($1::bytea[], $2::bytea[], $3::text[]) WITH ORDINALITY AS h (queue_key, item_key, claim, number)
    WHERE d.queue_key = h.queue_key AND d.item_key = h.item_key AND d.claim = h.claim
    RETURNING h.number`,
  complete: `WITH ended AS MATERIALIZED (
      SELECT * FROM unnest($1::bytea[], $2::bytea[], $3::text[], $4::bigint[], $5::bytea[])
        WITH ORDINALITY AS e (queue_key, item_key, claim, due_at, data, number)),
    finished AS (
      DELETE FROM outrigger_due d USING ended e WHERE e.due_at IS NULL
        AND d.queue_key = e.queue_key AND d.item_key = e.item_key AND d.claim = e.claim
      RETURNING e.number),
    postponed AS (
      UPDATE outrigger_due d SET due_at = e.due_at, next_at = e.due_at, claim = '', data = e.data
      FROM ended e WHERE e.due_at IS NOT NULL
        AND d.queue_key = e.queue_key AND d.item_key = e.item_key AND d.claim = e.claim
      RETURNING e.number)
    SELECT number FROM finished UNION ALL SELECT number FROM postponed`,
  itemsByKey: itemsStatement("item", "item_key"),
  rowsByKey: itemsStatement("item, due_at, data", "item_key"),
  itemsByItem: itemsStatement("item", "item"),
  rowsByItem: itemsStatement("item, due_at, data", "item"),
};

function putStatement(conflict: string): string {
  return `INSERT INTO outrigger_due (queue_key, item_key, queue, item, due_at, next_at, claim, data)
    SELECT queue_key, item_key, queue, item, due_at, due_at, '', data
    FROM unnest($1::bytea[], $2::bytea[], $3::bytea[], $4::bytea[], $5::bigint[], $6::bytea[])
      AS e (queue_key, item_key, queue, item, due_at, data)
    ON CONFLICT (queue_key, item_key) ${conflict}`;
}
function itemsStatement(columns: string, order: string): string {
  // CASE, because two conditions more would make PostgreSQL expect a single row (see `limitedTo`).
  return `SELECT ${columns} FROM outrigger_due
    WHERE queue_key = $1 AND item_key >= $2 AND item_key < $3
      AND CASE WHEN item >= $4 THEN item < $5 ELSE false END
    ORDER BY ${order} ${limitedTo("$6")}`;
}
