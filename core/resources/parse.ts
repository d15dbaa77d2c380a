import { messageOf } from "#core/errors/component-error.ts";
import type { Fault } from "./fields.ts";
import { type Parsed, type Problem, readValue, unreadable } from "./read-document.ts";
import type { Resource } from "./resource.ts";
import type { Origin } from "./resource-head.ts";
import { parseYaml } from "./yaml.ts";

/** Larger texts are refused. */
const maxCharacters = 4 * 1024 * 1024;
const maxDocuments = 10_000;

/** Reads every Dapr resource in a YAML (or JSON) text. What cannot be used is left out, with a problem that says why. */
export function parseDocuments(text: string, file: string): Parsed {
  const documents: Resource[] = [];
  const problems: Problem[] = [];
  if (text.length > maxCharacters) {
    problems.push(
      problem(
        { file, document: 1 },
        "",
        `has ${text.length} characters; the limit is ${maxCharacters}`,
      ),
    );
    return { documents, problems };
  }
  for (const { text: part, line, document } of split(text)) {
    const origin = { file, document };
    if (document > maxDocuments) {
      problems.push(problem(origin, "", `is one too many; the limit is ${maxDocuments} a file`));
      break;
    }
    const faults: Fault[] = [];
    const resource = readPart(part, line, origin, faults);
    for (const fault of faults) problems.push({ ...fault, ...origin });
    if (resource && !faults.some(({ severity }) => severity === "error")) documents.push(resource);
  }
  return { documents, problems };
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
function holdsNothing(part: string): boolean {
  return !/^[^\S\n]*[^\s#]/m.test(part);
}

function readPart(
  text: string,
  line: number,
  origin: Origin,
  faults: Fault[],
): Resource | undefined {
  let value: unknown;
  try {
    value = parseYaml(text, line);
  } catch (reason) {
    faults.push(
      unreadable(reason instanceof RangeError ? "it is nested too deep" : messageOf(reason)),
    );
  }
  return value === undefined ? undefined : readValue(value, origin, faults);
}

function problem(origin: Origin, field: string, message: string): Problem {
  return { ...origin, field, message, severity: "error" };
}
