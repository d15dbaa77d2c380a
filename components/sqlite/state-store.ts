import type { DatabaseSync } from "node:sqlite";
import { ComponentError } from "#core/errors/component-error.ts";
import type { CallOptions } from "#core/ports/component.ts";
import type { ComponentSpec, Host } from "#core/ports/manifest.ts";
import type { StateItem, StateOp, StateRead, StateStore } from "#core/ports/state-store.ts";
import { ttlSeconds, type TtlStyle } from "../_shared/ttl.ts";
import { cleanUp } from "./cleanup.ts";
import { type Fences, fencesTable, openFences } from "./fences.ts";
import { closedError, GroupCommit } from "./group-commit.ts";
import { openDatabase } from "./open-database.ts";
import { readWhenFree } from "./read-when-free.ts";
import { openRows, type Rows } from "./rows.ts";
import { allOrNothing } from "./savepoint.ts";
import { migrate } from "./schema.ts";
import { readSettings } from "./settings.ts";

export async function open(spec: ComponentSpec, host: Host): Promise<StateStore> {
  const settings = readSettings(spec);
  const { clock, log } = host;
  const setUp = (opened: DatabaseSync): void => {
    for (const pragma of settings.pragmas) opened.exec(`PRAGMA ${pragma}`);
    migrate(opened, settings);
  };
  const db = await openDatabase(settings, setUp, clock);
  const rows = openRows(db, settings.table, clock);
  const commits = new GroupCommit(db, clock, settings.waitMs);
  const closing = new AbortController();
  const cleaning =
    settings.cleanupMs > 0 ? cleanUp(db, settings, commits, { clock, log }, closing) : undefined;

  const write = (run: () => void, options: CallOptions, weight?: number): Promise<void> =>
    closing.signal.aborted ? Promise.reject(closedError()) : commits.submit(run, options, weight);
  const writeAll = (steps: ReadonlyArray<() => void>, options: CallOptions): Promise<void> => {
    const run = (): void => {
      for (const step of steps) step();
    };
    return write(() => allOrNothing(db, run), options, steps.length);
  };
  const readNow = <T>(work: () => T, options: CallOptions): T | Promise<T> => {
    if (closing.signal.aborted) throw closedError();
    return readWhenFree(work, settings.waitMs, clock, options);
  };

  let fencesReady: Promise<Fences> | undefined;
  /** The table is none of Dapr's: files of stores that nobody fences go without. */
  const fences = (): Promise<Fences> => {
    fencesReady ??= write(() => db.exec(fencesTable), neverAborted).then(
      () => openFences(db, settings.table, clock),
      (reason: unknown) => {
        fencesReady = undefined;
        throw reason;
      },
    );
    return fencesReady;
  };

  return {
    features: ["ETAG", "TTL"],
    read: async (reads, options) => readNow(() => readAll(rows, reads), options),
    write: async (op, options) => write(prepare(rows, op), options),
    transact: async (ops, options) => {
      const steps = ops.map((op) => prepare(rows, op));
      const [first] = steps;
      if (first) await (steps.length === 1 ? write(first, options) : writeAll(steps, options));
    },
    fenced: {
      raise: async (fence, options) => {
        const known = await fences();
        await write(() => known.raise(fence), options);
      },
      transact: async (ops, fence, options) => {
        const steps = ops.map((op) => prepare(rows, op));
        const known = await fences();
        await writeAll([() => known.raise(fence), ...steps], options);
      },
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

const neverAborted: CallOptions = { signal: new AbortController().signal };

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
