import { messageOf } from "#core/errors/component-error.ts";
import type { Defaults } from "./items.ts";
import { type Parsed, type Problem, readValues, unreadable } from "./read-document.ts";
import type { Origin } from "./resource-head.ts";
import { parseYaml } from "./yaml.ts";
import { maxTokensOfFile, type TokenBudget } from "./yaml-scanner.ts";

/** Larger texts are refused. */
const maxCharacters = 4 * 1024 * 1024;
const maxDocuments = 10_000;
/** Of each file; nobody reads more, and each goes to the log. */
const maxProblems = 100;

/** Reads every Dapr resource in a YAML (or JSON) text. What cannot be used is left out, with a problem that says why. */
export function parseDocuments(text: string, file: string, defaults: Defaults = {}): Parsed {
  return joined([...parseParts(text, file, defaults)]);
}

/** The same, a document at a time, for who has other things to do in between; put together by `joined`. */
export function* parseParts(text: string, file: string, defaults: Defaults): Generator<Parsed> {
  if (text.length > maxCharacters) {
    const message = `has ${text.length} characters; the limit is ${maxCharacters}`;
    yield none(problem({ file, document: 1 }, message));
    return;
  }
  const budget = { left: maxTokensOfFile };
  for (const { text: part, line, document } of split(text)) {
    const origin = { file, document };
    if (document > maxDocuments) {
      yield none(problem(origin, `is one too many; the limit is ${maxDocuments} per file`));
      return;
    }
    yield readPart({ text: part, line, origin, budget, defaults });
  }
}

export function joined(parts: readonly Parsed[]): Parsed {
  const problems = parts.flatMap((part) => part.problems);
  return {
    documents: parts.flatMap((part) => part.documents),
    problems: shortened(problems),
  };
}

function shortened(problems: readonly Problem[]): readonly Problem[] {
  const [first, ...others] = problems.slice(maxProblems);
  if (!first) return problems;
  const isError = [first, ...others].some(({ severity }) => severity === "error");
  const message = `and what follows have ${others.length + 1} more faults`;
  const severity = isError ? "error" : "warning";
  return [...problems.slice(0, maxProblems), { ...problem(first, message), severity }];
}

interface Part {
  readonly text: string;
  /** Lines of the file before it. */
  readonly line: number;
  /** Counted as a reader would: what holds nothing is passed over only at the start. */
  readonly document: number;
}

/** Dapr splits on a line that starts with three dashes, whatever stands behind them. */
function* split(text: string): Generator<Part> {
  const separator = /(?:^\uFEFF?|\r?\n)---[^\n]*/g;
  let from = 0;
  let line = 0;
  let document = 1;
  for (;;) {
    const found = separator.exec(text);
    const part = text.slice(from, found?.index);
    const empty = holdsNothing(part);
    if (!empty) yield { text: part, line, document };
    if (!found) return;
    if (!empty || document > 1) document++;
    const next = found.index + found[0].length;
    for (let at = text.indexOf("\n", from); at !== -1 && at < next; at = text.indexOf("\n", at + 1))
      line++;
    from = next;
  }
}
/** Blank, or comments only, such as a licence. */
export function holdsNothing(part: string): boolean {
  return !/^[^\S\n]*[^\s#]/m.test(part);
}

function readPart({
  text,
  line,
  origin,
  budget,
  defaults,
}: {
  readonly text: string;
  readonly line: number;
  readonly origin: Origin;
  readonly budget: TokenBudget;
  readonly defaults: Defaults;
}): Parsed {
  try {
    const { value, warnings } = parseYaml(text, line, budget);
    if (value === undefined) return none();
    const { documents, problems } = readValues(value, origin, defaults);
    return { documents, problems: [...warnings.map((each) => warning(origin, each)), ...problems] };
  } catch (reason) {
    const why = reason instanceof RangeError ? "it is nested too deep" : messageOf(reason);
    return none({ ...origin, ...unreadable(why) });
  }
}

function none(...problems: readonly Problem[]): Parsed {
  return { documents: [], problems };
}
function problem({ file, document }: Origin, message: string): Problem {
  return { file, document, field: "", message, severity: "error" };
}
function warning(origin: Origin, message: string): Problem {
  return { ...problem(origin, message), severity: "warning" };
}
