import type { DatabaseSync } from "node:sqlite";
import type { ClaimedEntry } from "#core/ports/due-times.ts";
import { claimOf, entryColumns, entryOf, newToken } from "./due-rows.ts";

/** The statements that find what is due, prepared once. All of them are synchronous. */
export interface DueClaims {
  /** When the first entry of these queues is due, or its claim ends. */
  nextAt(queues: readonly string[]): number | undefined;
  /** Takes up to `limit` entries that are due at `now`, those due longest first, until `until`. */
  take(
    queues: readonly string[],
    now: number,
    until: number,
    limit: number,
  ): readonly ClaimedEntry[];
}

interface Head {
  readonly queue: string;
  at: number;
}

export function openDueClaims(db: DatabaseSync, group: string): DueClaims {
  const first = (queue: string): string =>
    `SELECT min(at) AS at FROM outrigger_due WHERE group_name = ?1 AND queue = ${queue}`;
  // Not "queue IN (…) ORDER BY at": that reads and sorts all that is due, which may be everything after an outage.
  const firsts = db.prepare(
    `SELECT q.value AS queue, (${first("q.value")}) AS at FROM json_each(?2) q`,
  );
  const firstOf = db.prepare(first("?2"));
  const due = db.prepare(
    `SELECT number FROM outrigger_due WHERE group_name = ? AND queue = ? AND at <= ? ORDER BY at LIMIT ?`,
  );
  const take = db.prepare(
    `UPDATE outrigger_due SET at = ?, claim = ? WHERE number = ? RETURNING ${entryColumns}`,
  );
  const headsOf = (queues: readonly string[]): Head[] =>
    firsts
      .all(group, JSON.stringify([...new Set(queues)]))
      .filter(({ at }) => at !== null)
      .map(({ queue, at }) => ({ queue: queue as string, at: at as number }));

  return {
    nextAt: (queues) => twoEarliest(headsOf(queues))[0]?.at,
    take: (queues, now, until, limit) => {
      const token = newToken();
      const heads = headsOf(queues).filter(({ at }) => at <= now);
      const entries: ClaimedEntry[] = [];
      while (entries.length < limit) {
        const [head, next] = twoEarliest(heads);
        if (!head || head.at > now) break;
        // All that this queue has before the next one has anything.
        const upTo = Math.min(now, next?.at ?? now);
        for (const { number } of due.all(group, head.queue, upTo, limit - entries.length)) {
          const row = take.get(until, token, number as number);
          if (row) entries.push({ ...entryOf(row), claim: claimOf(number as number, token) });
        }
        head.at = (firstOf.get(group, head.queue)?.["at"] as number | null) ?? Infinity;
      }
      return entries;
    },
  };
}

function twoEarliest(heads: readonly Head[]): readonly [Head?, Head?] {
  let first: Head | undefined;
  let second: Head | undefined;
  for (const head of heads)
    if (!first || head.at < first.at) [first, second] = [head, first];
    else if (!second || head.at < second.at) second = head;
  return first ? (second ? [first, second] : [first]) : [];
}
