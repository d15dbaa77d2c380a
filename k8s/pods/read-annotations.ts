import { parseDuration } from "#core/util/duration.ts";
import { didYouMean } from "#core/util/nearest.ts";
import { parseQuantity } from "#core/util/quantity.ts";
import { isTruthy } from "#core/util/truthy.ts";
import { isObjectName } from "#k8s/identity/service-account.ts";
import {
  type AnnotationRow,
  annotationTable,
  configurationAnnotations,
} from "./annotation-table.ts";

/** What is wrong with an annotation, or has no effect, and what to write. The message does not repeat the name. */
export interface Finding {
  readonly annotation: string;
  readonly message: string;
}
export interface Findings {
  readonly faults: Finding[];
  readonly warnings: Finding[];
}

/** The annotations of the table as values; a name that is not in the table is a mistake of the caller. */
export interface AnnotationValues {
  /** True when the pod says something about it, and not the empty text. */
  given(name: string): boolean;
  /** Of a text with choices, the choice as the table spells it; empty without value and default. */
  text(name: string): string;
  boolean(name: string): boolean;
  /** Milliseconds of a duration, bytes of a size; `undefined` without value and default, and for a port that is none. */
  number(name: string): number | undefined;
  list(name: string): readonly string[];
}

type Value = string | boolean | number | readonly string[] | undefined;
type Annotations = Readonly<Record<string, string>>;

const rows: ReadonlyMap<string, AnnotationRow> = new Map(
  annotationTable.map((row) => [row.name, row]),
);
const falsy: ReadonlySet<string> = new Set(["", "n", "no", "false", "f", "off", "0"]);
const mostUnknown = 10;

/** Reads all that the table knows. A value that cannot be used is a fault, and counts as not given. */
export function readAnnotations(annotations: Annotations, { faults }: Findings): AnnotationValues {
  const values = new Map<string, Value>();
  for (const row of annotationTable) {
    const text = Object.hasOwn(annotations, row.name) ? annotations[row.name] : undefined;
    // Templates often render an annotation that is not wanted as an empty text.
    const given = typeof text === "string" && text.trim() !== "" ? text : undefined;
    let value = readValue(row, given ?? row.default);
    if (value instanceof Wrong) {
      faults.push({
        annotation: row.name,
        message: `${quoted(given ?? "")} is not ${value.what}: write ${value.write}`,
      });
      value = readValue(row, row.default);
    }
    values.set(row.name, value instanceof Wrong ? undefined : value);
  }
  const valueOf = (name: string): Value => {
    if (!values.has(name)) throw new Error(`No annotation "${name}" in the table`);
    return values.get(name);
  };
  return {
    given: (name) => (Object.hasOwn(annotations, name) ? annotations[name] : "")?.trim() !== "",
    text: (name) => String(valueOf(name) ?? ""),
    boolean: (name) => valueOf(name) === true,
    number: (name) => valueOf(name) as number | undefined,
    list: (name) => (valueOf(name) ?? []) as readonly string[],
  };
}

/** Names that look like ours or Dapr's and are neither; and what has no effect in this mode. */
export function warnOfNames(
  annotations: Annotations,
  mode: "shared" | "sidecar",
  { warnings }: Findings,
): void {
  let unknown = 0;
  for (const annotation of Object.keys(annotations)) {
    if (!/^(?:dapr\.io|outrigger\.dev)\//.test(annotation)) continue;
    const row = rows.get(annotation);
    if (!row) {
      if (unknown++ < mostUnknown) warnings.push({ annotation, message: unknownText(annotation) });
    } else if (row.use === "nothing")
      warnings.push({
        annotation,
        message: `it has no effect${row.instead === undefined ? "" : `: ${row.instead}`}`,
      });
    else if (row.use === "sidecar" && mode === "shared")
      warnings.push({
        annotation,
        message: `it has no effect with outrigger.dev/mode "shared"${row.instead === undefined ? "" : `: ${row.instead}`}`,
      });
  }
}

function unknownText(annotation: string): string {
  if (configurationAnnotations.includes(annotation))
    return "it has no effect on a pod: write it on the Configuration that dapr.io/config names";
  const end = annotation.slice(annotation.indexOf("/"));
  const other = [...rows.keys()].find((name) => name.endsWith(end));
  const near = other ? `; did you mean "${other}"?` : didYouMean(annotation, rows.keys());
  return `there is no such annotation${near}`;
}

/** What was wanted, and what would be right. */
class Wrong {
  readonly what: string;
  readonly write: string;
  constructor(what: string, write: string) {
    this.what = what;
    this.write = write;
  }
}

function readValue(row: AnnotationRow, given: string | undefined): Value | Wrong {
  const text = given?.trim();
  if (text === undefined) return undefined;
  switch (row.type) {
    case "text": {
      if (!row.choices) return text;
      const choice = row.choices.find((each) => each.toLowerCase() === text.toLowerCase());
      return choice ?? new Wrong("a value of this annotation", oneOf(row.choices));
    }
    case "list":
      return readList(row, text);
    case "boolean":
      if (isTruthy(text)) return true;
      // Dapr reads whatever it does not know as no; of the switch itself we do so too, with a warning.
      if (falsy.has(text.toLowerCase()) || row.name === "dapr.io/enabled") return false;
      return new Wrong("a boolean", '"true" or "false"');
    case "integer": {
      const most = row.most ?? 2_147_483_647;
      const value = wholeNumber(text);
      return value !== undefined && value >= -most && value <= most
        ? value
        : new Wrong("a whole number that can be used", `one of at most ${most}, in digits`);
    }
    case "port": {
      const port = wholeNumber(text);
      if (port === -1 || port === 0) return undefined;
      return port !== undefined && port > 0 && port <= 65_535
        ? port
        : new Wrong("a port", 'a number from 1 to 65535, such as "8080"');
    }
    case "duration": {
      const ms = parseDuration(text);
      return ms !== undefined && ms <= 2_147_483_647
        ? ms
        : new Wrong("a duration that can be used", 'one such as "5s" or "1m30s"');
    }
    case "bytes":
      // Dapr: -1 stands for the default.
      if (text === "-1") return row.default === undefined ? undefined : parseQuantity(row.default);
      return parseQuantity(text) ?? new Wrong("a size", 'one such as "4Mi" or "16Ki"');
    case "amount":
      return /^(?:\d{1,15}(?:\.\d{0,9})?|\.\d{1,9})(?:[KMGTPE]i|[numkMGTPE])?$/.test(text)
        ? text
        : new Wrong("an amount of CPU or memory", 'one such as "100m" or "128Mi"');
    case "name":
      return isObjectName(text)
        ? text
        : new Wrong("a name of an object", 'one of lower-case letters, digits, "-" and "."');
    case "path":
      return text.startsWith("/") && text.length <= 1024 && !text.includes(":")
        ? text
        : new Wrong("an absolute path", 'one such as "/var/run/dapr"');
  }
}

function readList(row: AnnotationRow, text: string): Value | Wrong {
  const items = text
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "");
  const { choices } = row;
  if (!choices) return items;
  const known = items.map((item) => choices.find((each) => each === item.toLowerCase()));
  return known.every((item) => item !== undefined)
    ? known
    : new Wrong("a value of this annotation", `${oneOf(choices)}, or several with commas`);
}

function oneOf(choices: readonly string[]): string {
  return choices.map((choice) => `"${choice}"`).join(" or ");
}
function wholeNumber(text: string): number | undefined {
  return /^[-+]?\d{1,15}$/.test(text) ? Number(text) : undefined;
}
/** In quotes, and short: it ends up in events and logs. */
export function quoted(text: string): string {
  return JSON.stringify(text.length > 64 ? `${text.slice(0, 64)}…` : text);
}
