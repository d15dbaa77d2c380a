import { isRecord, jsonTypeOf } from "#core/util/json.ts";

/** Each value of nested objects and lists, with its path. Numbers keep their digits; null is an empty text. */
export function flatten(
  value: unknown,
  separator: string,
): ReadonlyArray<readonly [path: string, text: string]> {
  const found: Array<readonly [string, string]> = [];
  const visit = (each: unknown, path: string): void => {
    const members = membersOf(each);
    if (!members) found.push([path, textOf(each)]);
    else
      for (const [name, member] of members)
        visit(member, path === "" ? name : `${path}${separator}${name}`);
  };
  visit(value, "");
  return found;
}

function membersOf(value: unknown): ReadonlyArray<readonly [string, unknown]> | undefined {
  if (Array.isArray(value)) return value.map((each: unknown, i) => [String(i), each]);
  return isRecord(value) && jsonTypeOf(value) === "object" ? Object.entries(value) : undefined;
}

function textOf(value: unknown): string {
  if (typeof value === "string") return value;
  return value === null ? "" : JSON.stringify(value);
}
