import type { DueKey } from "#core/ports/due-times.ts";

export type OwnerAndName = Pick<DueKey, "owner" | "name">;

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
export function decodeKey(text: string): OwnerAndName {
  const end = text.indexOf("\0");
  const owner = text
    .slice(0, end)
    .replaceAll("\u0001\u0001", "\0")
    .replaceAll("\u0001\u0002", "\u0001");
  return { owner, name: text.slice(end + 1) };
}
