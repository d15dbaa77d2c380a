import { encodeKey } from "#components/_shared/due-key.ts";
import type { ClaimedEntry, DueKey, DueTimes } from "#core/ports/due-times.ts";
import type { CoordinationGroup } from "./coordination-group.ts";
import { decodeEntry, decodeValue, encodeValue } from "./due-entry.ts";
import { createDueSelection } from "./due-selection.ts";
import * as scripts from "./due-times-scripts.ts";

/** Entries that one script changes, so that none keeps the server from others for long. */
const mostChanges = 256;

/** Entries in the four keys for each queue that `due-times-scripts.ts` describes. */
export function createDueTimes(group: CoordinationGroup): DueTimes {
  const { read, change } = group;
  const keysOf = (queue: string): readonly string[] =>
    ["due", "names", "entries", "claims"].map((kind) => group.key(`${kind}:${queue}`));
  const selection = createDueSelection(group, keysOf);

  return {
    put: async (entry, overwrite, options) => {
      const { queue, dueAt } = entry;
      const args = [encodeKey(entry), String(dueAt), encodeValue(entry), overwrite ? "1" : "0"];
      return (await change(scripts.put, keysOf(queue), args, options)) === 1;
    },
    reschedule: async (entry, next, options) => {
      const args = [encodeKey(entry), encodeValue(entry), String(next.dueAt), encodeValue(next)];
      return (await change(scripts.reschedule, keysOf(entry.queue), args, options)) === 1;
    },
    get: async (key, options) => {
      const command = ["HGET", group.key(`entries:${key.queue}`), encodeKey(key)] as const;
      const value = await group.send(command, options);
      const { queue, owner, name } = key;
      return value === null ? undefined : { queue, owner, name, ...decodeValue(value) };
    },
    delete: async (key, options) =>
      (await change(scripts.remove, keysOf(key.queue), [encodeKey(key)], options)) === 1,
    deleteAll: selection.deleteAll,
    list: selection.list,
    claim: async (names, options) => {
      const { now, limit, holdMs } = options;
      const queues = [...new Set(names)];
      if (queues.length === 0) return { entries: [], nextAt: undefined };
      const text = crypto.randomUUID();
      const args = [String(now), String(limit), String(now + holdMs), text];
      // Replicas need not have it: a claim that is lost in a failover has only ended early.
      const reply = await read(scripts.claim, queues.flatMap(keysOf), args, options);
      const [nextAt, ...flat] = reply as readonly unknown[];
      const entries: ClaimedEntry[] = [];
      for (let i = 0; i < flat.length; i += 3)
        entries.push({
          ...decodeEntry(queues[Number(flat[i]) - 1] as string, flat[i + 1], flat[i + 2]),
          claim: `${text}:${entries.length + 1}`,
        });
      return { entries, nextAt: nextAt === null ? undefined : Number(nextAt) };
    },
    hold: async (entries, until, options) => {
      const held = new Set<string>();
      await Promise.all(
        batchesOf(entries, ({ queue }) => queue).map(async ({ queue, batch }) => {
          const pairs = batch.flatMap(({ item }) => [encodeKey(item), item.claim]);
          const args = [String(until), ...pairs];
          const results = (await read(scripts.hold, keysOf(queue), args, options)) as number[];
          batch.forEach(({ item }, i) => results[i] === 1 && held.add(item.claim));
        }),
      );
      return held;
    },
    complete: async (completions, options) => {
      const ended = completions.map(() => false);
      await Promise.all(
        batchesOf(completions, ({ entry }) => entry.queue).map(async ({ queue, batch }) => {
          const args = batch.flatMap(({ item: { entry, next } }) => [
            encodeKey(entry),
            entry.claim,
            next ? String(next.dueAt) : "",
            next ? encodeValue(next) : "",
          ]);
          const results = (await read(scripts.complete, keysOf(queue), args, options)) as number[];
          batch.forEach(({ index }, i) => (ended[index] = results[i] === 1));
        }),
      );
      await group.replicated();
      return ended;
    },
  };
}

interface Batch<T> {
  readonly queue: DueKey["queue"];
  readonly batch: Array<{ readonly item: T; readonly index: number }>;
}
/** The items of each queue, in batches; all batches are sent at once. */
function batchesOf<T>(items: readonly T[], queueOf: (item: T) => string): readonly Batch<T>[] {
  const batches: Batch<T>[] = [];
  const open = new Map<string, Batch<T>>();
  items.forEach((item, index) => {
    const queue = queueOf(item);
    let found = open.get(queue);
    if (!found || found.batch.length === mostChanges) {
      found = { queue, batch: [] };
      open.set(queue, found);
      batches.push(found);
    }
    found.batch.push({ item, index });
  });
  return batches;
}
