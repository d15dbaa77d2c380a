import type { DatabaseSync } from "node:sqlite";
import type { DueEntry, DueKey, DueSelection } from "#core/ports/due-times.ts";
import { entryColumns, entryOf } from "./due-rows.ts";
import { afterPrefix, compareText, textAfter } from "./text-order.ts";

/** Where a walk through a queue goes on: at this owner and name, or what follows them. */
export type DueCursor = Pick<DueKey, "owner" | "name">;

export interface DuePage {
  readonly rows: readonly number[];
  /** `undefined`: that was the last page. It may be an empty one that is not. */
  readonly next: DueCursor | undefined;
}

/** The statements that find selected entries, prepared once. All of them are synchronous. */
export interface DuePages {
  start(selection: DueSelection, after: DueKey | undefined): DueCursor;
  /** Rows by owner and name, `limit` at most; it costs no more than these, and some steps from owner to owner. */
  page(selection: DueSelection, from: DueCursor, limit: number): DuePage;
  read(row: number): DueEntry | undefined;
  delete(row: number): void;
}

/** Owners that one page looks at, where any owner may have a name with that prefix. */
const ownersPerPage = 128;
/** Greater than every text. */
const afterAllTexts = new Uint8Array(0);

export function openDuePages(db: DatabaseSync, group: string): DuePages {
  const columns = "number, owner, name";
  const queue = "group_name = ? AND queue = ?";
  const inQueue = db.prepare(
    `SELECT ${columns} FROM outrigger_due WHERE ${queue} AND (owner, name) >= (?, ?) ORDER BY owner, name LIMIT ?`,
  );
  const ofOwner = db.prepare(
    `SELECT ${columns} FROM outrigger_due WHERE ${queue} AND owner = ? AND name >= ? AND name < ? ORDER BY name LIMIT ?`,
  );
  const nextOwner = db.prepare(
    `SELECT owner FROM outrigger_due WHERE ${queue} AND owner >= ? ORDER BY owner LIMIT 1`,
  );
  const read = db.prepare(`SELECT ${entryColumns} FROM outrigger_due WHERE number = ?`);
  const remove = db.prepare("DELETE FROM outrigger_due WHERE number = ?");

  const pageOf = (rows: ReadonlyArray<Record<string, unknown>>, limit: number): DuePage => {
    const last = rows.at(-1);
    return {
      rows: rows.map(({ number }) => number as number),
      next:
        last && rows.length === limit
          ? { owner: last["owner"] as string, name: textAfter(last["name"] as string) }
          : undefined,
    };
  };
  /** The page of one owner. */
  const named = (
    { queue: name, namePrefix = "" }: DueSelection,
    from: DueCursor,
    limit: number,
  ): DuePage => {
    const start = compareText(from.name, namePrefix) > 0 ? from.name : namePrefix;
    const end = afterPrefix(namePrefix) ?? afterAllTexts;
    return pageOf(ofOwner.all(group, name, from.owner, start, end, limit), limit);
  };
  /** An owner after the other: an index by name alone would cost every entry, and nearly all callers name an owner. */
  const ofAnyOwner = (selection: DueSelection, from: DueCursor, limit: number): DuePage => {
    const rows: number[] = [];
    let cursor = from;
    for (let owners = 0; owners < ownersPerPage; owners++) {
      const owner = nextOwner.get(group, selection.queue, cursor.owner)?.["owner"];
      if (owner === undefined) return { rows, next: undefined };
      if (owner !== cursor.owner) cursor = { owner: owner as string, name: "" };
      const found = named(selection, cursor, limit - rows.length);
      rows.push(...found.rows);
      if (found.next) return { rows, next: found.next };
      cursor = { owner: textAfter(cursor.owner), name: "" };
    }
    return { rows, next: cursor };
  };
  return {
    start: ({ owner = "" }, after) => {
      if (!after || compareText(after.owner, owner) < 0) return { owner, name: "" };
      return { owner: after.owner, name: textAfter(after.name) };
    },
    page: (selection, from, limit) => {
      if (selection.owner !== undefined)
        return from.owner === selection.owner
          ? named(selection, from, limit)
          : { rows: [], next: undefined };
      if (selection.namePrefix) return ofAnyOwner(selection, from, limit);
      return pageOf(inQueue.all(group, selection.queue, from.owner, from.name, limit), limit);
    },
    read: (row) => {
      const found = read.get(row);
      return found && entryOf(found);
    },
    delete: (row) => void remove.run(row),
  };
}
