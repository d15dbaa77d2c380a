import type { DatabaseSync } from "node:sqlite";

/**
 * The version of these tables. Runtimes of several versions share them while an upgrade is under way, so a later version
 * only adds: columns that may be left out, tables, indexes. One that earlier versions cannot get along with says so in
 * the row `coordination-oldest-version`, which names the earliest that can.
 */
const version = 1;

const tables = `
  CREATE TABLE IF NOT EXISTS outrigger_metadata (
    key TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
  ) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS outrigger_members (
    group_name TEXT NOT NULL,
    id TEXT NOT NULL,
    namespace TEXT NOT NULL,
    app_id TEXT NOT NULL,
    address TEXT NOT NULL,
    types TEXT NOT NULL,
    lease_ends INTEGER NOT NULL,
    PRIMARY KEY (group_name, id)
  ) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS outrigger_owners (
    group_name TEXT NOT NULL,
    namespace TEXT NOT NULL,
    type TEXT NOT NULL,
    id TEXT NOT NULL,
    member TEXT,
    fence INTEGER NOT NULL,
    touched INTEGER NOT NULL,
    PRIMARY KEY (group_name, namespace, type, id)
  ) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS outrigger_due (
    number INTEGER PRIMARY KEY,
    group_name TEXT NOT NULL,
    queue TEXT NOT NULL,
    owner TEXT NOT NULL,
    name TEXT NOT NULL,
    due_at INTEGER NOT NULL,
    at INTEGER NOT NULL,
    claim TEXT NOT NULL,
    data TEXT NOT NULL,
    UNIQUE (group_name, queue, owner, name)
  );
  CREATE INDEX IF NOT EXISTS outrigger_due_by_time ON outrigger_due (group_name, queue, at);
  INSERT INTO outrigger_metadata (key, value) VALUES ('coordination-version', '${version}')
    ON CONFLICT (key) DO NOTHING;`;

/** Makes the tables where they are not there. Another process may do the same at this moment. */
export function createCoordinationTables(db: DatabaseSync): void {
  if (hasTables(db)) return;
  db.exec("BEGIN EXCLUSIVE");
  try {
    db.exec(tables);
    db.exec("COMMIT");
  } catch (reason) {
    if (db.isTransaction) db.exec("ROLLBACK");
    throw reason;
  }
}

function hasTables(db: DatabaseSync): boolean {
  const made = db.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'outrigger_metadata'").get();
  if (!made) return false;
  const row = db.prepare("SELECT value FROM outrigger_metadata WHERE key = ?");
  const oldest = Number(row.get("coordination-oldest-version")?.["value"] ?? 0);
  if (oldest > version)
    throw new Error(
      `its tables were made by a later version of Outrigger, which does not get along with this one; upgrade this one as well (it knows tables of version ${version}, and needs ${oldest})`,
    );
  return row.get("coordination-version") !== undefined;
}
