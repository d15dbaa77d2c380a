import type { DatabaseSync } from "node:sqlite";
import type { ClaimedEntry, DueEntry, DueKey } from "#core/ports/due-times.ts";

/** The statements on single entries of a group, prepared once. All of them are synchronous. */
export interface DueRows {
  /** False: there is one, and it may not be replaced. */
  put(entry: DueEntry, overwrite: boolean): boolean;
  /** False, and nothing changes, where it is another by now, or held. */
  reschedule(entry: DueEntry, next: Pick<DueEntry, "dueAt" | "data">): boolean;
  get(key: DueKey): DueEntry | undefined;
  delete(key: DueKey): boolean;
  /** False, and nothing changes, where the entry is not held by that claim any more. The same of the next two. */
  hold(entry: ClaimedEntry, until: number): boolean;
  postpone(entry: ClaimedEntry, next: Pick<DueEntry, "dueAt" | "data">): boolean;
  finish(entry: ClaimedEntry): boolean;
}

export function openDueRows(db: DatabaseSync, group: string): DueRows {
  const key = "group_name = ? AND queue = ? AND owner = ? AND name = ?";
  const insert = `INSERT INTO outrigger_due (group_name, queue, owner, name, due_at, at, claim, data)
    VALUES (?1, ?2, ?3, ?4, ?5, ?5, '${noToken}', ?6) ON CONFLICT (group_name, queue, owner, name)`;
  const add = db.prepare(`${insert} DO NOTHING`);
  const replace = db.prepare(
    `${insert} DO UPDATE SET due_at = excluded.due_at, at = excluded.at, claim = excluded.claim, data = excluded.data`,
  );
  const reschedule = db.prepare(
    `UPDATE outrigger_due SET due_at = ?1, at = ?1, data = ?2
     WHERE group_name = ?3 AND queue = ?4 AND owner = ?5 AND name = ?6
       AND due_at = ?7 AND claim = '${noToken}' AND data = ?8`,
  );
  const get = db.prepare(`SELECT ${entryColumns} FROM outrigger_due WHERE ${key}`);
  const remove = db.prepare(`DELETE FROM outrigger_due WHERE ${key}`);
  const held = "number = ? AND claim = ?";
  const hold = db.prepare(`UPDATE outrigger_due SET at = ? WHERE ${held}`);
  const postpone = db.prepare(
    `UPDATE outrigger_due SET due_at = ?1, at = ?1, claim = '${noToken}', data = ?2 WHERE number = ?3 AND claim = ?4`,
  );
  const finish = db.prepare(`DELETE FROM outrigger_due WHERE ${held}`);
  return {
    put: ({ queue, owner, name, dueAt, data }, overwrite) =>
      (overwrite ? replace : add).run(group, queue, owner, name, dueAt, data).changes > 0,
    reschedule: ({ queue, owner, name, dueAt, data }, next) =>
      reschedule.run(next.dueAt, next.data, group, queue, owner, name, dueAt, data).changes > 0,
    get: ({ queue, owner, name }) => {
      const row = get.get(group, queue, owner, name);
      return row && entryOf(row);
    },
    delete: ({ queue, owner, name }) => remove.run(group, queue, owner, name).changes > 0,
    hold: ({ claim }, until) => hold.run(until, ...rowOf(claim)).changes > 0,
    postpone: ({ claim }, { dueAt, data }) =>
      postpone.run(dueAt, data, ...rowOf(claim)).changes > 0,
    finish: ({ claim }) => finish.run(...rowOf(claim)).changes > 0,
  };
}

/** What an entry is read from. */
export const entryColumns = "queue, owner, name, due_at, data";

export function entryOf(row: Readonly<Record<string, unknown>>): DueEntry {
  return {
    queue: row["queue"] as string,
    owner: row["owner"] as string,
    name: row["name"] as string,
    dueAt: row["due_at"] as number,
    data: row["data"] as string,
  };
}

/** Stands in rows that nobody has claimed: as long as a token, so that a row keeps its size, and is changed in place even where the disk is full. */
const noToken = "-".repeat(12);

export function newToken(): string {
  return Buffer.from(crypto.getRandomValues(new Uint8Array(9))).toString("base64url");
}

/**
 * A claim leads to its row. Numbers of rows are used again, so it also says which of all claims it is: `token` is one for
 * all that were claimed in one transaction.
 */
export function claimOf(row: number, token: string): string {
  return `${row}:${token}`;
}
function rowOf(claim: string): readonly [row: number, token: string] {
  const colon = claim.indexOf(":");
  return [Number(claim.slice(0, colon)), claim.slice(colon + 1)];
}
