import { encodeKey } from "#components/_shared/due-key.ts";
import type { DueEntry, DueKey } from "#core/ports/due-times.ts";
import { itemKey, rowKey } from "./row-keys.ts";
import type { DueId, DueValue } from "./tables.ts";

/** How the entries of a group are found. */
export interface DueIds {
  queueKeyOf(queue: string): Buffer;
  idOf(key: DueKey): DueId;
}

export function dueIds(group: string): DueIds {
  const queueKeyOf = (queue: string): Buffer => rowKey(group, queue);
  return {
    queueKeyOf,
    idOf: (key) => ({
      queueKey: queueKeyOf(key.queue),
      itemKey: itemKey(Buffer.from(encodeKey(key))),
    }),
  };
}

export function valueOf({ dueAt, data }: Pick<DueEntry, "dueAt" | "data">): DueValue {
  return { dueAt, data: Buffer.from(data) };
}

/** Entries that one statement writes, and bytes of them: the server locks them all until it is done. */
export const mostRows = 256;
export const mostBytes = 1_000_000;
