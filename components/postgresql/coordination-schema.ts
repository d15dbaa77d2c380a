import { checkTableVersion } from "#components/_shared/sql-coordination/table-version.ts";
import type { Database, SqlSession } from "#components/_shared/sql/database.ts";
import type { CallOptions } from "#core/ports/component.ts";

/**
 * The version of these tables. Runtimes of several versions share them while an upgrade is under way, so a later version
 * only adds: columns that may be left out, tables, indexes. One that earlier versions cannot get along with says so in
 * the row `coordination-oldest-version`, which names the earliest that can.
 */
const version = 1;

/**
 * Texts are bytes: they may contain any character, whatever the encoding of the database, and are ordered as such. Keys
 * are described in `_shared/sql-coordination/row-keys.ts`. Rows of due entries change all the time, so they are cleaned
 * up earlier than by default: until then, claims pass over those that are gone.
 */
const tables = `
  SELECT pg_advisory_xact_lock(7886501893241);
  CREATE TABLE IF NOT EXISTS outrigger_metadata (
    key text NOT NULL PRIMARY KEY,
    value text NOT NULL
  );
  CREATE TABLE IF NOT EXISTS outrigger_members (
    member_key bytea NOT NULL PRIMARY KEY,
    group_key bytea NOT NULL,
    member bytea NOT NULL,
    lease_ends bigint NOT NULL
  );
  CREATE INDEX IF NOT EXISTS outrigger_members_by_lease
    ON outrigger_members (group_key, lease_ends);
  CREATE TABLE IF NOT EXISTS outrigger_owners (
    actor_key bytea NOT NULL PRIMARY KEY,
    actor bytea NOT NULL,
    member_key bytea,
    fence bigint NOT NULL,
    touched bigint NOT NULL
  );
  CREATE TABLE IF NOT EXISTS outrigger_due (
    queue_key bytea NOT NULL,
    item_key bytea NOT NULL,
    queue bytea NOT NULL,
    item bytea NOT NULL,
    due_at bigint NOT NULL,
    next_at bigint NOT NULL,
    claim text NOT NULL,
    data bytea NOT NULL,
    PRIMARY KEY (queue_key, item_key)
  ) WITH (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_cost_delay = 0);
  CREATE INDEX IF NOT EXISTS outrigger_due_by_time ON outrigger_due (queue_key, next_at);
  INSERT INTO outrigger_metadata (key, value) VALUES ('coordination-version', '${version}')
    ON CONFLICT (key) DO NOTHING;`;

/** Makes the tables where they are not there. Other runtimes may do the same at this moment. */
export async function createCoordinationTables(
  database: Database,
  options: CallOptions,
): Promise<void> {
  await database.run(async (session) => {
    if (await hasTables(session)) return;
    // Statements that come in one text are one transaction.
    await session.query(tables);
    await hasTables(session);
  }, options);
}

async function hasTables(session: SqlSession): Promise<boolean> {
  const { rows: found } = await session.query(
    "SELECT to_regclass('outrigger_metadata') IS NOT NULL AS is_there",
  );
  if (found[0]?.["is_there"] !== true) return false;
  const { rows } = await session.query("SELECT key, value FROM outrigger_metadata");
  return checkTableVersion(rows, version);
}
