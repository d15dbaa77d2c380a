import type { DatabaseSync } from "node:sqlite";

/** All that the work changes or nothing, inside a transaction that others share. */
export function allOrNothing<T>(db: DatabaseSync, work: () => T): T {
  db.exec("SAVEPOINT work");
  try {
    return work();
  } catch (reason) {
    if (db.isTransaction) db.exec("ROLLBACK TO work");
    throw reason;
  } finally {
    if (db.isTransaction) db.exec("RELEASE work");
  }
}
