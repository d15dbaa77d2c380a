import type { DatabaseSync } from "node:sqlite";
import { ComponentError, messageOf } from "#core/errors/component-error.ts";
import type { CallOptions } from "#core/ports/component.ts";
import type { Clock, Log } from "#core/ports/platform.ts";
import type { BrokerSettings } from "./broker-settings.ts";
import type { GroupCommit } from "./group-commit.ts";

/** A subscriber says so often that it is there. */
export const touchMs = 20_000;
/** Who has not said so for so long is away. */
const awayMs = 3 * touchMs;
/** Time between removals of what is too old. */
const cleanUpMs = 60_000;
/** Messages per transaction: other writes get in between. */
const perStep = 500;
/** Freed pages that a file keeps, for what comes next; and how many it gives up at once. */
const sparePages = 2000;

/** Keeps the file within its size; runs before a message is added, inside its transaction. */
export interface Room {
  /** Throws where everything in a full file still waits for consumers that are there. */
  make(now: number): void;
}

export function openRoom(db: DatabaseSync, maxBytes: number, log: Log): Room {
  const pragma = (name: string) => {
    const statement = db.prepare(`PRAGMA ${name}`);
    return (): number => Number(statement.get()?.[name]);
  };
  const [pages, spare] = [pragma("page_count"), pragma("freelist_count")];
  const pageSize = pragma("page_size")();
  const isFull = (): boolean => (pages() - spare()) * pageSize >= maxBytes;
  const done = db.prepare(
    `DELETE FROM messages WHERE id IN (SELECT id FROM messages
     WHERE NOT EXISTS (SELECT 1 FROM deliveries WHERE message = messages.id) ORDER BY id LIMIT ${perStep})`,
  );
  const ofThoseAway = db.prepare(
    `DELETE FROM deliveries WHERE (consumer, message) IN (SELECT consumer, message FROM deliveries
     WHERE consumer IN (SELECT id FROM consumers WHERE seen < ?) ORDER BY message LIMIT ${perStep})`,
  );
  return {
    make: (now) => {
      if (!isFull()) return;
      if (done.run().changes > 0) return;
      const { changes } = ofThoseAway.run(now - awayMs);
      if (changes === 0)
        throw new ComponentError(
          "unavailable",
          `the database holds ${maxBytes / 1024 / 1024} MB of messages that wait for their subscribers; publish again once these have caught up, or raise maxSizeMB`,
        );
      log.warn(
        `The database is full: dropped the ${changes} oldest messages of consumers that are away`,
      );
      done.run();
    },
  };
}

/** Removes what is older than the settings say, every so often, until the signal fires. Several processes may do so. */
export async function keepTidy(
  db: DatabaseSync,
  { retentionMs, backlogMs }: BrokerSettings,
  commits: GroupCommit,
  { clock, log }: { readonly clock: Clock; readonly log: Log },
  options: CallOptions,
): Promise<void> {
  const ofForgotten = db.prepare(
    `DELETE FROM deliveries WHERE (consumer, message) IN (SELECT consumer, message FROM deliveries
     WHERE consumer IN (SELECT id FROM consumers WHERE seen < ?) LIMIT ${perStep})`,
  );
  const forgotten = db.prepare("DELETE FROM consumers WHERE seen < ?");
  const late = db.prepare(
    `DELETE FROM deliveries WHERE (consumer, message) IN (SELECT consumer, message FROM deliveries
     WHERE message <= (SELECT max(id) FROM messages WHERE published < ?) LIMIT ${perStep})`,
  );
  const messages = db.prepare(
    `DELETE FROM messages WHERE id IN (SELECT id FROM messages
     WHERE published < ? AND NOT EXISTS (SELECT 1 FROM deliveries WHERE message = messages.id) LIMIT ${perStep})`,
  );
  const spare = db.prepare("PRAGMA freelist_count");
  const all = async (step: () => number): Promise<void> => {
    for (let more = true; more;)
      await commits.submit(() => {
        more = step() === perStep;
      }, options);
  };
  while (!options.signal.aborted) {
    try {
      const now = clock.now();
      await all(() => Number(ofForgotten.run(now - retentionMs).changes));
      await all(() => Number(forgotten.run(now - retentionMs).changes));
      await all(() => Number(late.run(now - retentionMs).changes));
      await all(() => Number(messages.run(now - backlogMs).changes));
      if (Number(spare.get()?.["freelist_count"]) > sparePages)
        await commits.submit(() => db.exec(`PRAGMA incremental_vacuum(${sparePages})`), options);
      await clock.sleep(cleanUpMs, options);
    } catch (reason) {
      if (options.signal.aborted) return;
      log.warn(`Cannot remove old messages, trying again later: ${messageOf(reason)}`);
      await clock.sleep(cleanUpMs, options).catch(() => {});
    }
  }
}
