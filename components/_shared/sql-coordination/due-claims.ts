import { decodeKey } from "#components/_shared/due-key.ts";
import type { ClaimedEntry, DueTimes } from "#core/ports/due-times.ts";
import { type DueIds, mostBytes, mostRows, valueOf } from "./due-ids.ts";
import type { ClaimedId, DueTables } from "./tables.ts";

/** The calls on entries that are due. */
export function createDueClaims(
  tables: DueTables,
  { queueKeyOf, idOf }: DueIds,
): Pick<DueTimes, "claim" | "hold" | "complete"> {
  const claimedIdOf = (entry: ClaimedEntry): ClaimedId => ({
    ...idOf(entry),
    claim: entry.claim.slice(0, tokenLength),
  });
  return {
    claim: async (names, { now, limit, holdMs, signal }) => {
      const queues = new Map(names.map((name) => [queueKeyOf(name).toString("hex"), name]));
      const keys = [...queues.keys()].map((key) => Buffer.from(key, "hex"));
      if (keys.length === 0) return { entries: [], nextAt: undefined };
      let heads = await tables.heads(keys, { signal });
      const due = heads.filter(({ at }) => at <= now).map(({ queueKey }) => queueKey);
      if (due.length === 0 || limit <= 0) return { entries: [], nextAt: earliest(heads) };
      const claim = newToken();
      const to = { now, until: now + holdMs, limit, claim };
      const rows = await tables.take(due, to, { signal });
      const entries = rows
        .toSorted((a, b) => a.since - b.since)
        .map(({ queueKey, item, dueAt, data }, i): ClaimedEntry => ({
          queue: queues.get(queueKey.toString("hex")) as string,
          ...decodeKey(item.toString()),
          dueAt,
          data: data.toString(),
          claim: `${claim}:${i}`,
        }));
      try {
        heads = await tables.heads(keys, { signal });
      } catch (reason) {
        // What has been taken is nobody else's for a while, so the caller must get it.
        if (entries.length === 0) throw reason;
      }
      return { entries, nextAt: earliest(heads) };
    },
    hold: async (entries, until, options) => {
      const held = new Set<string>();
      for (const some of chunksOf(entries, () => 0)) {
        const places = await tables.hold(some.map(claimedIdOf), until, options);
        for (const place of places) held.add((some[place] as ClaimedEntry).claim);
      }
      return held;
    },
    complete: async (completions, options) => {
      const ended: boolean[] = [];
      for (const some of chunksOf(completions, ({ next }) => next?.data.length ?? 0)) {
        const claims = some.map(({ entry, next }) => ({
          ...claimedIdOf(entry),
          next: next && valueOf(next),
        }));
        const places = await tables.complete(claims, options);
        ended.push(...some.map((_, place) => places.has(place)));
      }
      return ended;
    },
  };
}

/** In order, each of them as much as one statement takes; a larger item is alone. */
function chunksOf<T>(items: readonly T[], bytesOf: (item: T) => number): readonly (readonly T[])[] {
  const chunks: T[][] = [];
  let bytes = 0;
  for (const item of items) {
    const last = chunks.at(-1);
    bytes += bytesOf(item);
    if (last && last.length < mostRows && bytes <= mostBytes) last.push(item);
    else {
      chunks.push([item]);
      bytes = bytesOf(item);
    }
  }
  return chunks;
}

function earliest(heads: ReadonlyArray<{ readonly at: number }>): number | undefined {
  let first: number | undefined;
  for (const { at } of heads) if (first === undefined || at < first) first = at;
  return first;
}

/** One for all entries that are claimed together. */
const tokenLength = 16;
function newToken(): string {
  return Buffer.from(crypto.getRandomValues(new Uint8Array(12))).toString("base64url");
}
