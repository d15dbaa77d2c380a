import type { DatabaseSync } from "node:sqlite";
import { ComponentError } from "#core/errors/component-error.ts";
import type { Clock } from "#core/ports/platform.ts";
import type { Fence } from "#core/ports/state-store.ts";
import { createSweep } from "./sweep.ts";

const hourMs = 3_600_000;
/** A scope is noted as named no more often than that, so that most fenced writes write nothing else. */
const touchMs = hourMs;
const forgetMs = 24 * hourMs + touchMs;

/** The greatest fence seen of each scope. All of it is synchronous, and runs inside a transaction. */
export interface Fences {
  /** Throws `fenced` where a greater one is known. */
  raise(fence: Fence): void;
}

export const fencesTable = `CREATE TABLE IF NOT EXISTS outrigger_fences (
  scope TEXT NOT NULL PRIMARY KEY,
  fence INTEGER NOT NULL,
  touched INTEGER NOT NULL
) WITHOUT ROWID`;

/** The table has to be there. `table` is that of the values: stores that share a file share no scopes. */
export function openFences(db: DatabaseSync, table: string, clock: Pick<Clock, "now">): Fences {
  const find = db.prepare("SELECT fence, touched FROM outrigger_fences WHERE scope = ?");
  const note = db.prepare(
    `INSERT INTO outrigger_fences (scope, fence, touched) VALUES (?, ?, ?)
     ON CONFLICT (scope) DO UPDATE SET fence = excluded.fence, touched = excluded.touched`,
  );
  const page = db.prepare(
    "SELECT scope, touched FROM outrigger_fences WHERE scope > ? ORDER BY scope LIMIT ?",
  );
  const remove = db.prepare("DELETE FROM outrigger_fences WHERE scope = ?");
  const sweep = createSweep<string>({
    first: "",
    page: (after, limit, now) =>
      page.all(after, limit).map(({ scope, touched }) => ({
        key: String(scope),
        isOld: Number(touched) < now - forgetMs,
      })),
    remove: (scope) => void remove.run(scope),
  });
  return {
    raise: ({ scope, fence }) => {
      // No "|" can be in the name of a table.
      const key = `${table}|${scope}`;
      const now = clock.now();
      const row = find.get(key);
      const known = Number(row?.["fence"] ?? 0);
      if (known > fence)
        throw new ComponentError(
          "fenced",
          `another owner of ${JSON.stringify(scope)} has taken over (fence ${known} is greater than ${fence})`,
        );
      if (row && known === fence && Number(row["touched"]) > now - touchMs) return;
      note.run(key, fence, now);
      sweep(now);
    },
  };
}
