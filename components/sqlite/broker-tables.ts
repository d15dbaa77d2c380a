import type { DatabaseSync } from "node:sqlite";

const version = 1;

/** Makes the tables, where they are not there. Another process may do the same at this moment. */
export function createTables(db: DatabaseSync): void {
  const found = Number(db.prepare("PRAGMA user_version").get()?.["user_version"]);
  if (found > version)
    throw new Error(`it was made by a later version of Outrigger (tables of version ${found})`);
  if (found === version) return;
  db.exec("BEGIN EXCLUSIVE");
  try {
    db.exec(
      `CREATE TABLE IF NOT EXISTS messages (
         id INTEGER PRIMARY KEY AUTOINCREMENT,
         topic TEXT NOT NULL,
         published INTEGER NOT NULL,
         content_type TEXT,
         metadata TEXT NOT NULL,
         data BLOB NOT NULL
       );
       CREATE INDEX IF NOT EXISTS messages_by_topic ON messages (topic, published);
       CREATE INDEX IF NOT EXISTS messages_by_time ON messages (published);
       CREATE TABLE IF NOT EXISTS consumers (
         id INTEGER PRIMARY KEY AUTOINCREMENT,
         topic TEXT NOT NULL,
         name TEXT NOT NULL,
         seen INTEGER NOT NULL,
         UNIQUE (topic, name)
       );
       CREATE TABLE IF NOT EXISTS deliveries (
         consumer INTEGER NOT NULL,
         message INTEGER NOT NULL,
         due INTEGER NOT NULL,
         holder TEXT,
         PRIMARY KEY (consumer, message)
       ) WITHOUT ROWID;
       CREATE INDEX IF NOT EXISTS deliveries_by_time ON deliveries (consumer, due, message);
       CREATE INDEX IF NOT EXISTS deliveries_by_message ON deliveries (message);
       PRAGMA user_version = ${version};
       COMMIT`,
    );
  } catch (reason) {
    if (db.isTransaction) db.exec("ROLLBACK");
    throw reason;
  }
}
