import type { DatabaseSync } from "node:sqlite";
import type { SqliteSettings } from "./settings.ts";

/** Brings the database to the schema that Dapr would leave. Another process may do the same at this moment, or may have done it. */
export function migrate(db: DatabaseSync, { table, metadataTable }: SqliteSettings): void {
  db.exec("BEGIN EXCLUSIVE TRANSACTION");
  try {
    db.exec(
      `CREATE TABLE IF NOT EXISTS "${metadataTable}" (key text NOT NULL PRIMARY KEY, value text NOT NULL)`,
    );
    if (migrationLevel(db, metadataTable) < 1) {
      db.exec(
        `CREATE TABLE IF NOT EXISTS "${table}" (
          key TEXT NOT NULL PRIMARY KEY,
          value TEXT NOT NULL,
          is_binary BOOLEAN NOT NULL,
          etag TEXT NOT NULL,
          expiration_time TIMESTAMP DEFAULT NULL,
          update_time TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP
        )`,
      );
      db.prepare(`REPLACE INTO "${metadataTable}" (key, value) VALUES ('migrations', ?)`).run("1");
    }
    db.exec("COMMIT TRANSACTION");
  } catch (reason) {
    if (db.isTransaction) db.exec("ROLLBACK TRANSACTION");
    throw reason;
  }
}

function migrationLevel(db: DatabaseSync, metadataTable: string): number {
  const row = db.prepare(`SELECT value FROM "${metadataTable}" WHERE key = 'migrations'`).get();
  if (row === undefined) return 0;
  const text = String(row["value"]);
  if (!/^\d+$/.test(text))
    throw new Error(`invalid migration level found in metadata table: ${text}`);
  return Number(text);
}
