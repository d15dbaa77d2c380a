/** A member of an object as it stands in its text. */
export interface JsonMember {
  readonly name: string;
  /** Where the name begins, and the value. */
  readonly nameAt: number;
  readonly valueAt: number;
  /** The value as it stands there. */
  readonly text: string;
}

/** Members of the object that begins at that place of a text which is valid JSON, in their order, repeated ones too. */
export function jsonMembers(text: string, objectAt: number): JsonMember[] {
  const members: JsonMember[] = [];
  let at = skipSpace(text, objectAt + 1);
  while (text[at] === '"') {
    const nameAt = at;
    const nameEnd = stringEnd(text, nameAt);
    const valueAt = skipSpace(text, skipSpace(text, nameEnd) + 1);
    const { end } = jsonExtent(text, valueAt);
    members.push({
      name: JSON.parse(text.slice(nameAt, nameEnd)) as string,
      nameAt,
      valueAt,
      text: text.slice(valueAt, end),
    });
    // Over the comma, or the brace at the end.
    at = skipSpace(text, skipSpace(text, end) + 1);
  }
  return members;
}

/** Where the value that begins there ends, and how deep it is nested. */
export function jsonExtent(
  text: string,
  start: number,
): { readonly end: number; readonly depth: number } {
  let level = 0;
  let depth = 0;
  for (let at = start; at < text.length;) {
    const char = text[at] as string;
    if (char === '"') at = stringEnd(text, at);
    else {
      if (char === "{" || char === "[") depth = Math.max(depth, ++level);
      else if (char === "}" || char === "]") level--;
      else if (level === 0) at = scalarEnd(text, at) - 1;
      at++;
    }
    if (level === 0) return { end: at, depth };
  }
  return { end: text.length, depth };
}

/** The line and the column, both from 1, of a place in a text. */
export function lineAndColumn(text: string, at: number): string {
  const before = text.slice(0, at).split("\n");
  return `${before.length}:${[...(before.at(-1) ?? "")].length + 1}`;
}

export function skipSpace(text: string, start: number): number {
  let at = start;
  while (" \t\r\n".includes(text[at] ?? "x")) at++;
  return at;
}
function stringEnd(text: string, start: number): number {
  let at = start + 1;
  for (; text[at] !== '"' && at < text.length; at++) if (text[at] === "\\") at++;
  return at + 1;
}
function scalarEnd(text: string, start: number): number {
  let at = start;
  while (at < text.length && !' \t\r\n,]}"'.includes(text[at] as string)) at++;
  return Math.max(at, start + 1);
}
