import { decodeKey } from "#components/_shared/due-key.ts";
import type { DueEntry } from "#core/ports/due-times.ts";

type DueValue = Pick<DueEntry, "dueAt" | "data">;

/** Due time and data as they are kept; a claim changes neither. */
export function encodeValue({ dueAt, data }: DueValue): string {
  return `${dueAt} ${data}`;
}
export function decodeValue(value: unknown): DueValue {
  const text = String(value);
  const end = text.indexOf(" ");
  return { dueAt: Number(text.slice(0, end)), data: text.slice(end + 1) };
}

export function decodeEntry(queue: string, key: unknown, value: unknown): DueEntry {
  return { queue, ...decodeKey(String(key)), ...decodeValue(value) };
}
