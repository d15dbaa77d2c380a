import { decodeKey, encodeKey } from "#components/_shared/due-key.ts";
import { createBatches } from "#components/_shared/sql/batches.ts";
import type { DueEntry, DueTimes } from "#core/ports/due-times.ts";
import { createDueClaims } from "./due-claims.ts";
import { dueIds, mostBytes, mostRows, valueOf } from "./due-ids.ts";
import { scanItems } from "./due-scan.ts";
import { compareIds, idText, itemKey } from "./row-keys.ts";
import type { DueId, DueRow, DueTables } from "./tables.ts";

/** Statements with entries to put that run at the same time. */
const putsAtOnce = 2;

export interface DrainableDueTimes extends DueTimes {
  /** Resolves once what has been asked for is done. */
  drained(): Promise<void>;
}

/** Entries in a table, with an index by when they are due or their claims end. */
export function createDueTimes(tables: DueTables, group: string): DrainableDueTimes {
  const ids = dueIds(group);
  const { queueKeyOf, idOf } = ids;
  const putsThat = (overwrite: boolean) =>
    createBatches<DueRow, boolean>({
      most: mostRows,
      mostBytes,
      atOnce: putsAtOnce,
      keyOf: idText,
      bytesOf: ({ data }) => data.length,
      run: (rows, options) => inOrder(rows, (sorted) => tables.put(sorted, overwrite, options)),
    });
  const [adding, replacing] = [putsThat(false), putsThat(true)];

  return {
    drained: async () => {
      await Promise.all([adding.drained(), replacing.drained()]);
    },
    put: async (entry, overwrite, options) => {
      const queue = Buffer.from(entry.queue);
      const item = Buffer.from(encodeKey(entry));
      const row = { ...idOf(entry), queue, item, ...valueOf(entry) };
      return (overwrite ? replacing : adding).submit(row, options);
    },
    reschedule: (entry, next, options) =>
      tables.reschedule(idOf(entry), valueOf(entry), valueOf(next), options),
    get: async ({ queue, owner, name }, options) => {
      const value = await tables.get(idOf({ queue, owner, name }), options);
      return value && { queue, owner, name, dueAt: value.dueAt, data: value.data.toString() };
    },
    delete: async (key, options) => (await tables.remove([idOf(key)], options)) > 0,
    deleteAll: async (selection, options) => {
      const queueKey = queueKeyOf(selection.queue);
      const to = { most: mostRows, withValues: false };
      for await (const rows of scanItems(tables, queueKey, selection, to, options)) {
        const found = rows.map(({ item }) => ({ queueKey, itemKey: itemKey(item) }));
        await tables.remove(found, options);
      }
    },
    list: async (selection, { limit, after, signal }) => {
      const { queue } = selection;
      const found: DueEntry[] = [];
      if (limit <= 0) return found;
      const to = { after, most: limit, withValues: true };
      for await (const rows of scanItems(tables, queueKeyOf(queue), selection, to, { signal })) {
        for (const { item, dueAt = 0, data = "" } of rows)
          found.push({ queue, ...decodeKey(item.toString()), dueAt, data: data.toString() });
        if (found.length >= limit) break;
      }
      return found.slice(0, limit);
    },
    ...createDueClaims(tables, ids),
  };
}

/** Runs rows in the order of their keys, in which others lock them as well, so that none wait for each other in a circle. */
async function inOrder<T extends DueId>(
  rows: readonly T[],
  run: (sorted: readonly T[]) => Promise<readonly boolean[]>,
): Promise<readonly boolean[]> {
  const order = rows.map((_, i) => i).sort((a, b) => compareIds(rows[a] as T, rows[b] as T));
  const results = await run(order.map((place) => rows[place] as T));
  const placed = rows.map(() => false);
  order.forEach((place, i) => (placed[place] = results[i] as boolean));
  return placed;
}
