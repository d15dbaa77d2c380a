import { Composer, type Document, type ParsedNode, Parser } from "yaml";
import { refuseDeep } from "./depth.ts";
import { maxTokensOfFile, scan, type TokenBudget } from "./yaml-scanner.ts";
import { valueOf } from "./yaml-value.ts";

export interface ParsedYaml {
  /** `undefined` for a text that holds no value. */
  readonly value: unknown;
  /** What was taken although it is probably not meant. */
  readonly warnings: readonly string[];
}

/** The value of one YAML or JSON document, in time proportional to the text; throws with what is wrong. `lineOffset`: lines of the file before it. */
export function parseYaml(
  text: string,
  lineOffset: number,
  budget: TokenBudget = { left: maxTokensOfFile },
): ParsedYaml {
  const document = compose(text, budget);
  if (!document) return { value: undefined, warnings: [] };
  const [error] = document.errors;
  const fault = error && `${error.message} ${place(text, error.pos[0], lineOffset)}`;
  if (fault !== undefined && !isBehind(document, text)) throw new Error(fault);
  const { value, repeated } = valueOf(document.contents, text);
  refuseDeep(value);
  const warnings = repeated.map(
    ({ key, at }) =>
      `key "${key}" is repeated ${place(text, at, lineOffset)}; the last one is used`,
  );
  if (fault !== undefined) warnings.push(`the rest has no effect: ${fault}`);
  return { value: value ?? undefined, warnings };
}

/** Dapr: a line that is indented less than the first value ends it, and the rest is not read. */
function isBehind({ contents, errors }: Document.Parsed<ParsedNode>, text: string): boolean {
  const at = errors[0]?.pos[0] ?? 0;
  const start = text.lastIndexOf("\n", at - 1) + 1;
  return (
    errors[0]?.message.endsWith(" at node end") === true &&
    at >= (contents?.range[1] ?? 0) &&
    text.slice(start, at).trim() === ""
  );
}

/** The first document: what follows `...` does not count. */
function compose(text: string, budget: TokenBudget): Document.Parsed<ParsedNode> | undefined {
  const parser = new Parser();
  function* parts(): ReturnType<Parser["end"]> {
    for (const token of scan(text, budget)) yield* parser.next(token);
    yield* parser.end();
  }
  const composer = new Composer({
    // Values are made by Go's rules; the library's check for repeated keys takes quadratic time.
    schema: "failsafe",
    uniqueKeys: false,
    prettyErrors: false,
    strict: false,
  });
  for (const document of composer.compose(parts())) return document as Document.Parsed<ParsedNode>;
  return undefined;
}

function place(text: string, at: number, lineOffset: number): string {
  const before = text.slice(0, at);
  const line = before.split("\n").length;
  return `at line ${line + lineOffset}, column ${at - before.lastIndexOf("\n")}`;
}
