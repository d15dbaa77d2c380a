import { DatabaseSync } from "node:sqlite";
import { ComponentError, messageOf } from "#core/errors/component-error.ts";
import type { CallOptions } from "#core/ports/component.ts";
import type { ComponentSpec, Host } from "#core/ports/manifest.ts";
import type { StateItem, StateOp, StateRead, StateStore } from "#core/ports/state-store.ts";
import { ttlSeconds, type TtlStyle } from "#core/blocks/state/ttl.ts";
import { cleanUp } from "./cleanup.ts";
import { failureOf, isBusy } from "./failure.ts";
import { closedError, GroupCommit } from "./group-commit.ts";
import { openRows, type Rows } from "./rows.ts";
import { migrate } from "./schema.ts";
import { readSettings, type SqliteSettings } from "./settings.ts";
import { untilFree } from "./until-free.ts";

export async function open(spec: ComponentSpec, host: Host): Promise<StateStore> {
  const settings = readSettings(spec);
  const { clock, log } = host;
  const db = await openDatabase(settings, host);
  const rows = openRows(db, settings.table, clock);
  const commits = new GroupCommit(db, clock, settings.waitMs);
  const closing = new AbortController();
  const cleaning =
    settings.cleanupMs > 0 ? cleanUp(db, settings, commits, { clock, log }, closing) : undefined;

  const write = (run: () => void, options: CallOptions): Promise<void> =>
    closing.signal.aborted ? Promise.reject(closedError()) : commits.submit(run, options);
  const readNow = <T>(work: () => T, options: CallOptions): T | Promise<T> => {
    if (closing.signal.aborted) throw closedError();
    try {
      return work();
    } catch (reason) {
      if (!isBusy(reason)) throw failureOf(reason);
      return untilFree(work, settings.waitMs, clock, options).catch((late: unknown) => {
        throw failureOf(late);
      });
    }
  };

  return {
    features: ["ETAG", "TTL"],
    read: async (reads, options) => readNow(() => readAll(rows, reads), options),
    write: async (op, options) => write(prepare(rows, op), options),
    transact: async (ops, options) => {
      const steps = ops.map((op) => prepare(rows, op));
      const [first] = steps;
      if (first) await write(steps.length === 1 ? first : () => together(db, steps), options);
    },
    keysLike: async (pattern, options) => {
      if (pattern === "")
        throw new ComponentError("rejected", "the pattern is empty; give at least %");
      return readNow(() => rows.keysLike(pattern), options);
    },
    ping: async (options) => {
      await readNow(() => db.prepare("SELECT 1").get(), options);
    },
    [Symbol.asyncDispose]: async () => {
      if (closing.signal.aborted) return;
      closing.abort();
      await cleaning;
      await commits.drained();
      db.close();
    },
  };
}

async function openDatabase(settings: SqliteSettings, { clock }: Host): Promise<DatabaseSync> {
  const { location, waitMs } = settings;
  let db: DatabaseSync | undefined;
  try {
    // Waiting is ours to do: SQLite's own busy handler would stop the whole process.
    const opened = new DatabaseSync(location, { timeout: 0 });
    db = opened;
    const setUp = (): void => {
      for (const pragma of settings.pragmas) opened.exec(`PRAGMA ${pragma}`);
      migrate(opened, settings);
    };
    await untilFree(setUp, waitMs, clock, new AbortController());
    return opened;
  } catch (reason) {
    db?.close();
    const path = location.split("?", 1)[0] as string;
    throw new Error(
      `cannot open the SQLite database ${path}: ${messageOf(reason)}; check that its directory exists and may be written to`,
      { cause: reason },
    );
  }
}

function readAll(rows: Rows, reads: readonly StateRead[]): ReadonlyArray<StateItem | undefined> {
  const [only] = reads;
  return only && reads.length === 1
    ? [rows.read(only.key)]
    : reads.map(({ key }) => rows.read(key));
}

const ttlStyle: TtlStyle = {
  by: "ParseInt",
  before: "error parsing TTL: incorrect value for metadata 'ttlInSeconds': ",
  bounded: true,
};

/** Checks what can be checked before anything is written; the rest happens inside the transaction. */
function prepare(rows: Rows, op: StateOp): () => void {
  if (op.key === "") throw new ComponentError("rejected", `missing key in ${op.op} operation`);
  if (op.op === "delete") return () => rows.delete(op);
  const ttl = ttlSeconds(op.metadata, ttlStyle);
  return () => rows.put(op, ttl);
}

/** All of the steps or none, inside the transaction that others share. */
function together(db: DatabaseSync, steps: ReadonlyArray<() => void>): void {
  db.exec("SAVEPOINT steps");
  try {
    for (const step of steps) step();
  } catch (reason) {
    if (db.isTransaction) db.exec("ROLLBACK TO steps");
    throw reason;
  } finally {
    if (db.isTransaction) db.exec("RELEASE steps");
  }
}
