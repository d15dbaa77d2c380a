import { jsonTypeOf } from "#core/util/json.ts";

/**
 * JSON as Go's encoder writes it: members sorted, `<`, `>`, `&` and the two line separators escaped.
 * Numbers keep the digits that the parser kept. Throws `RangeError` for a number that was too large to be
 * read, and for values nested deeper than the stack allows.
 */
export function encodeJson(value: unknown): string {
  switch (jsonTypeOf(value)) {
    case "string":
      return quoted(value as string);
    case "number":
      if (value === Infinity || value === -Infinity) throw new RangeError("number out of range");
      return JSON.stringify(value);
    case "array":
      return `[${(value as readonly unknown[]).map(encodeJson).join(",")}]`;
    case "object":
      return objectText(value as Readonly<Record<string, unknown>>);
    default:
      return String(value);
  }
}

function objectText(value: Readonly<Record<string, unknown>>): string {
  let text = "{";
  for (const name of Object.keys(value).sort())
    text += `${text === "{" ? "" : ","}${quoted(name)}:${encodeJson(value[name])}`;
  return `${text}}`;
}

const escaped: Readonly<Record<string, string>> = {
  "<": "\\u003c",
  ">": "\\u003e",
  "&": "\\u0026",
  "\u2028": "\\u2028",
  "\u2029": "\\u2029",
};
function quoted(text: string): string {
  return JSON.stringify(text.toWellFormed()).replace(
    /[<>&\u2028\u2029]/g,
    (char) => escaped[char] as string,
  );
}
