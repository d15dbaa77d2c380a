import { isScalar, parseDocument, visit } from "yaml";
import { refuseDeep } from "./depth.ts";

/** YAML aliases can make a small text huge ("billion laughs"), and each is searched for from the start. */
const maxAliases = 100;

/** The value of one YAML or JSON document, in time proportional to the text; throws with what is wrong. `lineOffset`: lines of the file before it. */
export function parseYaml(text: string, lineOffset: number): unknown {
  // The library's own messages and its check for repeated keys take quadratic time.
  const parsed = parseDocument(text, {
    uniqueKeys: false,
    prettyErrors: false,
    strict: true,
    merge: true,
  });
  const [error] = parsed.errors;
  if (error) throw new Error(`${error.message} ${place(text, error.pos[0], lineOffset)}`);
  let aliases = 0;
  visit(parsed, {
    Alias: () => {
      if (++aliases > maxAliases)
        throw new Error(`it has more than ${maxAliases} aliases; write the values out`);
    },
    Map: (_, { items }) => {
      const seen = new Set<unknown>();
      for (const { key } of items) {
        if (!isScalar(key)) throw new Error("it has a key that is no text");
        if (seen.has(key.value))
          throw new Error(
            `key "${String(key.value)}" is repeated ${place(text, key.range?.[0] ?? 0, lineOffset)}`,
          );
        seen.add(key.value);
      }
    },
    Scalar: (_, scalar) => {
      // A float would lose digits that a long id needs.
      const { value, source } = scalar;
      if (
        typeof value === "number" &&
        !Number.isSafeInteger(value) &&
        /^[-+]?\d+$/.test(source ?? "")
      )
        scalar.value = source;
    },
  });
  const value: unknown = parsed.toJS({ maxAliasCount: maxAliases });
  refuseDeep(value);
  return value ?? undefined;
}

function place(text: string, at: number, lineOffset: number): string {
  const before = text.slice(0, at);
  const line = before.split("\n").length;
  return `at line ${line + lineOffset}, column ${at - before.lastIndexOf("\n")}`;
}
