import { DatabaseSync } from "node:sqlite";
import { messageOf } from "#core/errors/component-error.ts";
import type { Clock } from "#core/ports/platform.ts";
import { adviceFor } from "./failure.ts";
import { untilFree } from "./until-free.ts";

export interface DatabaseFile {
  /** What SQLite opens: a path or a `file:` URI. */
  readonly location: string;
  /** Longest wait for another process that holds the database, in milliseconds. */
  readonly waitMs: number;
  /** How messages name it; the location without its options where absent. */
  readonly title?: string;
}

/** Opens a database and prepares it; `setUp` starts over where another process holds the database. Throws with a reason a user can act on. */
export async function openDatabase(
  { location, waitMs, title = location.split("?", 1)[0] as string }: DatabaseFile,
  setUp: (db: DatabaseSync) => void,
  clock: Clock,
): Promise<DatabaseSync> {
  let db: DatabaseSync | undefined;
  try {
    // Waiting is ours to do: SQLite's own busy handler would stop the whole process.
    const opened = new DatabaseSync(location, { timeout: 0 });
    db = opened;
    await untilFree(() => setUp(opened), waitMs, clock, new AbortController());
    return opened;
  } catch (reason) {
    db?.close();
    const why = [messageOf(reason), adviceFor(reason)].filter(Boolean).join("; ");
    throw new Error(`cannot open the SQLite database ${title}: ${why}`, { cause: reason });
  }
}
