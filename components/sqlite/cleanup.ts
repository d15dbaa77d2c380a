import type { DatabaseSync } from "node:sqlite";
import { messageOf } from "#core/errors/component-error.ts";
import type { CallOptions } from "#core/ports/component.ts";
import type { Clock, Log } from "#core/ports/platform.ts";
import type { GroupCommit } from "./group-commit.ts";
import { timeText } from "./rows.ts";
import type { SqliteSettings } from "./settings.ts";

/** Rows per transaction: other writes get in between. */
const rowsPerStep = 500;
/** The time of the last run may be this much short of the interval. */
const toleranceMs = 100;

/** Removes expired rows every so often, until the signal fires. Of several processes on one file only one does it. */
export async function cleanUp(
  db: DatabaseSync,
  settings: SqliteSettings,
  commits: GroupCommit,
  deps: { readonly clock: Clock; readonly log: Log },
  options: CallOptions,
): Promise<void> {
  const { table, metadataTable, cleanupMs } = settings;
  const claim = db.prepare(
    `INSERT INTO "${metadataTable}" (key, value) VALUES ('last-cleanup', ?1)
     ON CONFLICT (key) DO UPDATE SET value = ?1 WHERE (unixepoch(?1) - unixepoch(value)) * 1000 > ?2`,
  );
  const remove = db.prepare(
    `DELETE FROM "${table}" WHERE rowid IN (SELECT rowid FROM "${table}"
     WHERE expiration_time IS NOT NULL AND expiration_time < ? LIMIT ${rowsPerStep})`,
  );
  while (!options.signal.aborted) {
    try {
      await deps.clock.sleep(cleanupMs, options);
      const now = timeText(deps.clock.now());
      let claimed = false;
      await commits.submit(() => {
        claimed = claim.run(now, cleanupMs - toleranceMs).changes > 0;
      }, options);
      for (let more = claimed; more;)
        await commits.submit(() => {
          more = Number(remove.run(now).changes) === rowsPerStep;
        }, options);
    } catch (reason) {
      if (!options.signal.aborted)
        deps.log.warn(`Cannot remove expired rows, trying again later: ${messageOf(reason)}`);
    }
  }
}
