import type { DatabaseSync } from "node:sqlite";
import type { ComponentError } from "#core/errors/component-error.ts";
import type { CallOptions } from "#core/ports/component.ts";
import type { Clock } from "#core/ports/platform.ts";
import { createCoordinationTables } from "./coordination-schema.ts";
import type { CoordinationSettings } from "./coordination-settings.ts";
import { closedError, GroupCommit } from "./group-commit.ts";
import { openDatabase } from "./open-database.ts";
import { readWhenFree } from "./read-when-free.ts";
import { allOrNothing } from "./savepoint.ts";

/** One connection whose changes share transactions with others that are asked for at the same time. */
export interface Connection {
  readonly db: DatabaseSync;
  /** Runs the work inside a transaction: all that it changes or nothing. `weight` is how many rows that is, about. */
  change<T>(work: () => T, options: CallOptions, weight?: number): Promise<T>;
}

/** The file of a group, on two connections. All waiting for other processes is done here. */
export interface CoordinationDatabase extends AsyncDisposable {
  readonly group: string;
  /** What it has changed is on disk. */
  readonly durable: Connection;
  /**
   * What it has changed outlives processes, but a loss of power may take it back, so it does not wait for the disk: it is
   * for leases and claims. Whoever held these ends with the machine, the file being no other machine's.
   */
  readonly quick: Connection;
  /** Reads on the quick connection, which sees all that either has changed. */
  read<T>(work: () => T, options: CallOptions): Promise<T>;
}

export async function openCoordinationDatabase(
  settings: CoordinationSettings,
  clock: Clock,
): Promise<CoordinationDatabase> {
  const { group, waitMs, pragmas } = settings;
  let isClosed = false;
  const connect = (setUp: (db: DatabaseSync) => void): Promise<DatabaseSync> =>
    openDatabase(
      settings,
      (db) => {
        for (const pragma of pragmas) db.exec(`PRAGMA ${pragma}`);
        setUp(db);
      },
      clock,
    );
  const connectionOf = (db: DatabaseSync): Connection & { readonly commits: GroupCommit } => {
    const commits = new GroupCommit(db, clock, waitMs);
    return {
      db,
      commits,
      change: async <T>(work: () => T, options: CallOptions, weight?: number): Promise<T> => {
        if (isClosed) throw closed();
        // The last one counts: a transaction that could not be committed is run again.
        const results: T[] = [];
        await commits.submit(() => results.push(allOrNothing(db, work)), options, weight);
        return results.at(-1) as T;
      },
    };
  };
  const first = await connect(createCoordinationTables);
  const durable = connectionOf(first);
  const quick = isShareable(first)
    ? connectionOf(
        await connect((db) => db.exec("PRAGMA synchronous=NORMAL")).catch((reason: unknown) => {
          first.close();
          throw reason;
        }),
      )
    : durable;
  return {
    group,
    durable,
    quick,
    read: async (work, options) => {
      if (isClosed) throw closed();
      options.signal.throwIfAborted();
      return readWhenFree(work, waitMs, clock, options);
    },
    [Symbol.asyncDispose]: async () => {
      if (isClosed) return;
      isClosed = true;
      await Promise.all([durable.commits.drained(), quick.commits.drained()]);
      if (quick !== durable) quick.db.close();
      durable.db.close();
    },
  };
}

/** A database in memory is its connection's own; without WAL, what is not on disk could damage the file. */
function isShareable(db: DatabaseSync): boolean {
  return db.prepare("PRAGMA journal_mode").get()?.["journal_mode"] === "wal";
}

function closed(): ComponentError {
  return closedError("the coordination");
}
