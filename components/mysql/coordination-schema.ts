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
 * Texts are bytes: they are the same only if all their bytes are, which no collation of both MySQL and MariaDB ensures,
 * and ordered as such. Keys are described in `_shared/sql-coordination/row-keys.ts`.
 */
const tables = [
  `CREATE TABLE IF NOT EXISTS outrigger_metadata (
    \`key\` VARCHAR(64) CHARACTER SET ascii NOT NULL PRIMARY KEY,
    value VARCHAR(255) CHARACTER SET ascii NOT NULL
  ) ENGINE = InnoDB`,
  `CREATE TABLE IF NOT EXISTS outrigger_members (
    member_key VARBINARY(16) NOT NULL PRIMARY KEY,
    group_key VARBINARY(16) NOT NULL,
    member LONGBLOB NOT NULL,
    lease_ends BIGINT NOT NULL,
    INDEX outrigger_members_by_lease (group_key, lease_ends)
  ) ENGINE = InnoDB`,
  `CREATE TABLE IF NOT EXISTS outrigger_owners (
    actor_key VARBINARY(16) NOT NULL PRIMARY KEY,
    actor LONGBLOB NOT NULL,
    member_key VARBINARY(16),
    fence BIGINT NOT NULL,
    touched BIGINT NOT NULL
  ) ENGINE = InnoDB`,
  `CREATE TABLE IF NOT EXISTS outrigger_due (
    queue_key VARBINARY(16) NOT NULL,
    item_key VARBINARY(400) NOT NULL,
    queue LONGBLOB NOT NULL,
    item LONGBLOB NOT NULL,
    due_at BIGINT NOT NULL,
    next_at BIGINT NOT NULL,
    claim VARBINARY(32) NOT NULL,
    data LONGBLOB NOT NULL,
    PRIMARY KEY (queue_key, item_key),
    INDEX outrigger_due_by_time (queue_key, next_at)
  ) ENGINE = InnoDB ROW_FORMAT = DYNAMIC`,
  // The last, so that whoever finds it finds all of them.
  `INSERT IGNORE INTO outrigger_metadata (\`key\`, value) VALUES ('coordination-version', '${version}')`,
];

const noSuchTable = 1146;

/** Makes the tables where they are not there. Other runtimes may do the same at this moment: each statement allows for it. */
export async function createCoordinationTables(
  database: Database,
  options: CallOptions,
): Promise<void> {
  if (await database.run(hasTables, options)) return;
  for (const text of tables) await database.query(text, [], options);
  await database.run(hasTables, options);
}

async function hasTables(session: SqlSession): Promise<boolean> {
  try {
    const { rows } = await session.query("SELECT `key`, value FROM outrigger_metadata");
    return checkTableVersion(rows, version);
  } catch (reason) {
    if ((reason as { errno?: unknown }).errno === noSuchTable) return false;
    throw reason;
  }
}
