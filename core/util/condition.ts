import { Environment, type ParseResult } from "@marcbachmann/cel-js";
import { RE2JS } from "@bufbuild/re2";

/** A compiled CEL expression. */
export interface Condition {
  /** By their names. Throws where the expression cannot be evaluated, or gives no boolean. */
  test(variables: Readonly<Record<string, unknown>>): boolean;
}
/** A name that expressions may use, and its CEL type. */
export interface Variable {
  readonly name: string;
  readonly type: "int";
}

/** Expressions come from documents, but may be large by mistake. */
const limits = { maxAstNodes: 10_000, maxDepth: 100, maxListElements: 1000, maxMapEntries: 1000 };
const maxCharacters = 10_000;
const linearMatch = "matchesLinear";
const patterns = 100;

/** Compiles a CEL expression; throws with its fault. Without a list of variables every name is dynamic, as in Dapr. */
export function compileCondition(source: string, variables?: readonly Variable[]): Condition {
  if (source.length > maxCharacters)
    throw new RangeError(`it has ${source.length} characters; the limit is ${maxCharacters}`);
  const environment = new Environment({
    unlistedVariablesAreDyn: variables === undefined,
    homogeneousAggregateLiterals: false,
    limits,
  });
  for (const { name, type } of variables ?? []) environment.registerVariable(name, type);
  const matches = linearMatcher();
  environment.registerFunction(`string.${linearMatch}(string): bool`, matches);
  environment.registerFunction("matches(string, string): bool", matches);
  const parsed = environment.parse(withLinearMatches(source, environment.parse(source)));
  // Whatever can never be evaluated is a fault of the rule, not of each event.
  const checked = parsed.check();
  if (!checked.valid) throw checked.error ?? new TypeError("its types do not fit");
  return {
    test: (values) => {
      const result: unknown = parsed(values);
      if (typeof result === "boolean") return result;
      throw new TypeError(`the result of match expression ${source} is not a boolean`);
    },
  };
}

function linearMatcher(): (text: string, pattern: string) => boolean {
  const compiled = new Map<string, RE2JS>();
  return (text, pattern) => {
    let found = compiled.get(pattern);
    if (!found) {
      found = RE2JS.compile(pattern);
      // Patterns may be computed from events, which come without end.
      if (compiled.size >= patterns) compiled.clear();
      compiled.set(pattern, found);
    }
    return found.test(text);
  };
}

/** CEL's `matches` is JavaScript's RegExp in the library, which an event can keep busy for ever; RE2 takes time in proportion. */
function withLinearMatches(source: string, parsed: ParseResult): string {
  const ends: number[] = [];
  collect(parsed.ast, ends);
  let text = source;
  // From the last to the first, so that earlier places stay where they are.
  for (const end of ends.sort((a, b) => b - a)) {
    const rest = text.slice(end);
    const renamed = rest.replace(
      /^((?:[\s)]|\/\/[^\n]*\n)*\.(?:\s|\/\/[^\n]*\n)*)matches\b/,
      `$1${linearMatch}`,
    );
    if (renamed === rest) throw new SyntaxError("cannot read the call of matches()");
    text = text.slice(0, end) + renamed;
  }
  return text;
}

/** Where the receiver of each `matches` ends. */
function collect(node: unknown, ends: number[]): void {
  if (typeof node !== "object" || node === null) return;
  if (Array.isArray(node)) {
    for (const each of node) collect(each, ends);
    return;
  }
  const { op, args } = node as { readonly op?: string; readonly args?: unknown };
  if (op === "rcall" && Array.isArray(args) && args[0] === "matches")
    ends.push((args[1] as { readonly end: number }).end);
  collect(args, ends);
}
