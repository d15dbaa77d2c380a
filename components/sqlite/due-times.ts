import type { ClaimedEntry, DueEntry, DueTimes } from "#core/ports/due-times.ts";
import type { CoordinationDatabase } from "./coordination-database.ts";
import { openDueClaims } from "./due-claims.ts";
import { type DueCursor, type DuePage, openDuePages } from "./due-pages.ts";
import { openDueRows } from "./due-rows.ts";
import { largestGroup } from "./group-commit.ts";
import { inChunks } from "./in-chunks.ts";
import { turn } from "./turn.ts";

/** Entries that one transaction claims: it does not wait for the disk, and the rows it writes may be far apart. */
const claimsAtOnce = 128;

/** Entries in a table, with an index by when they are due or their claims end. */
export function createDueTimes({ group, durable, quick, read }: CoordinationDatabase): DueTimes {
  const claims = openDueClaims(quick.db, group);
  const quickRows = openDueRows(quick.db, group);
  const quickPages = openDuePages(quick.db, group);
  const rows = openDueRows(durable.db, group);
  const pages = openDuePages(durable.db, group);

  return {
    put: (entry, overwrite, options) => durable.change(() => rows.put(entry, overwrite), options),
    reschedule: (entry, next, options) =>
      durable.change(() => rows.reschedule(entry, next), options),
    get: (key, options) => read(() => quickRows.get(key), options),
    delete: (key, options) => durable.change(() => rows.delete(key), options),
    deleteAll: async (selection, options) => {
      const step = (from: DueCursor): Promise<DuePage> =>
        durable.change(
          () => {
            const page = pages.page(selection, from, largestGroup);
            for (const row of page.rows) pages.delete(row);
            return page;
          },
          options,
          largestGroup,
        );
      let next: DueCursor | undefined = pages.start(selection, undefined);
      while (next) ({ next } = await step(next));
    },
    list: async (selection, { limit, after, signal }) => {
      const entries: DueEntry[] = [];
      let next: DueCursor | undefined = quickPages.start(selection, after);
      while (next && entries.length < limit) {
        const from: DueCursor = next;
        const most = Math.min(limit - entries.length, largestGroup);
        const found = await read(
          () => {
            const page = quickPages.page(selection, from, most);
            return {
              next: page.next,
              entries: page.rows.flatMap((row) => quickPages.read(row) ?? []),
            };
          },
          { signal },
        );
        entries.push(...found.entries);
        next = found.next;
        if (next) await turn();
      }
      return entries;
    },
    claim: async (queues, { now, limit, holdMs, signal }) => {
      const entries: ClaimedEntry[] = [];
      // Looking needs no lock: those that wait for what is not due yet do not get in the way of those that write.
      let nextAt = await read(() => claims.nextAt(queues), { signal });
      try {
        while (nextAt !== undefined && nextAt <= now && entries.length < limit) {
          const most = Math.min(limit - entries.length, claimsAtOnce);
          const taken = await quick.change(
            () => ({
              entries: claims.take(queues, now, now + holdMs, most),
              nextAt: claims.nextAt(queues),
            }),
            { signal },
            most,
          );
          entries.push(...taken.entries);
          ({ nextAt } = taken);
        }
      } catch (reason) {
        // What has been taken is nobody else's for a while, so the caller must get it.
        if (entries.length === 0) throw reason;
      }
      return { entries, nextAt };
    },
    hold: async (entries, until, options) => {
      const held = await inChunks(entries, largestGroup, (some) =>
        quick.change(
          () => some.filter((entry) => quickRows.hold(entry, until)).map(({ claim }) => claim),
          options,
          some.length,
        ),
      );
      return new Set(held.flat());
    },
    complete: async (completions, options) => {
      const ended = await inChunks(completions, largestGroup, (some) =>
        durable.change(
          () =>
            some.map(({ entry, next }) => (next ? rows.postpone(entry, next) : rows.finish(entry))),
          options,
          some.length,
        ),
      );
      return ended.flat();
    },
  };
}
