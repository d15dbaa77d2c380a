import type {
  ClaimedEntry,
  DueEntry,
  DueKey,
  DueSelection,
  DueTimes,
} from "#core/ports/due-times.ts";
import { createDueQueue, type DueQueue } from "./due-queue.ts";

/** Entries in memory: a heap for each queue, by when its entries are due or their claims end. */
export function createDueTimes(): DueTimes {
  const queues = new Map<string, DueQueue>();
  const queueOf = (name: string): DueQueue => {
    const found = queues.get(name) ?? createDueQueue();
    queues.set(name, found);
    return found;
  };
  const dropEmpty = (name: string): void => {
    if (queues.get(name)?.size === 0) queues.delete(name);
  };
  let claims = 0;

  return {
    put: async (entry, overwrite, { signal }) => {
      signal.throwIfAborted();
      const queue = queueOf(entry.queue);
      if (!overwrite && queue.get(entry)) return false;
      queue.put({ ...entry }, entry.dueAt, undefined);
      return true;
    },
    reschedule: async (entry, next, { signal }) => {
      signal.throwIfAborted();
      const queue = queues.get(entry.queue);
      const slot = queue?.get(entry);
      if (!queue || !slot || slot.claim !== undefined) return false;
      if (slot.entry.dueAt !== entry.dueAt || slot.entry.data !== entry.data) return false;
      queue.put({ ...slot.entry, dueAt: next.dueAt, data: next.data }, next.dueAt, undefined);
      return true;
    },
    get: async (key, { signal }) => {
      signal.throwIfAborted();
      return queues.get(key.queue)?.get(key)?.entry;
    },
    delete: async (key, { signal }) => {
      signal.throwIfAborted();
      const had = queues.get(key.queue)?.delete(key) ?? false;
      dropEmpty(key.queue);
      return had;
    },
    deleteAll: async (selection, { signal }) => {
      signal.throwIfAborted();
      const queue = queues.get(selection.queue);
      for (const entry of selected(queue, selection)) queue?.delete(entry);
      dropEmpty(selection.queue);
    },
    list: async (selection, { signal, limit, after }) => {
      signal.throwIfAborted();
      return selected(queues.get(selection.queue), selection)
        .sort(byKey)
        .filter((entry) => after === undefined || byKey(entry, after) > 0)
        .slice(0, limit);
    },
    claim: async (names, { signal, now, limit, holdMs }) => {
      signal.throwIfAborted();
      const wanted = [...new Set(names)].flatMap((name) => queues.get(name) ?? []);
      const entries: ClaimedEntry[] = [];
      while (entries.length < limit) {
        const queue = earliest(wanted);
        const head = queue?.head;
        if (!queue || !head || head.at > now) break;
        const claim = String(++claims);
        queue.put(head.entry, now + holdMs, claim);
        entries.push({ ...head.entry, claim });
      }
      return { entries, nextAt: earliest(wanted)?.head?.at };
    },
    hold: async (entries, until, { signal }) => {
      signal.throwIfAborted();
      const held = new Set<string>();
      for (const { claim, ...key } of entries) {
        const queue = queues.get(key.queue);
        const slot = queue?.get(key);
        if (slot?.claim !== claim) continue;
        queue?.put(slot.entry, until, claim);
        held.add(claim);
      }
      return held;
    },
    complete: async (completions, { signal }) => {
      signal.throwIfAborted();
      return completions.map(({ entry, next }) => {
        const queue = queues.get(entry.queue);
        const slot = queue?.get(entry);
        if (!queue || slot?.claim !== entry.claim) return false;
        if (next) queue.put({ ...slot.entry, ...next }, next.dueAt, undefined);
        else queue.delete(entry);
        dropEmpty(entry.queue);
        return true;
      });
    },
  };
}

function selected(
  queue: DueQueue | undefined,
  { owner, namePrefix = "" }: DueSelection,
): DueEntry[] {
  return [...(queue?.entries() ?? [])].filter(
    (entry) => (owner === undefined || entry.owner === owner) && entry.name.startsWith(namePrefix),
  );
}

function byKey(a: DueKey, b: DueKey): number {
  if (a.owner !== b.owner) return a.owner < b.owner ? -1 : 1;
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
}

function earliest(queues: readonly DueQueue[]): DueQueue | undefined {
  let found: DueQueue | undefined;
  for (const queue of queues)
    if (queue.head && (!found?.head || queue.head.at < found.head.at)) found = queue;
  return found;
}
