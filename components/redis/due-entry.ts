import type { DueEntry, DueKey } from "#core/ports/due-times.ts";

type OwnerAndName = Pick<DueKey, "owner" | "name">;
type DueValue = Pick<DueEntry, "dueAt" | "data">;

/**
 * Owner and name as one text whose bytes sort by owner and then by name: NUL, which sorts before everything, ends the
 * owner and is escaped in it. The name is last and stays as it is, so that a prefix of it is a prefix of the text.
 */
export function encodeKey({ owner, name }: OwnerAndName): string {
  return `${encodeOwner(owner)}\0${name}`;
}
export function encodeOwner(owner: string): string {
  return owner.replaceAll("\u0001", "\u0001\u0002").replaceAll("\0", "\u0001\u0001");
}
function decodeKey(text: string): OwnerAndName {
  const end = text.indexOf("\0");
  const owner = text
    .slice(0, end)
    .replaceAll("\u0001\u0001", "\0")
    .replaceAll("\u0001\u0002", "\u0001");
  return { owner, name: text.slice(end + 1) };
}

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
