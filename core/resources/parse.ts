import { messageOf } from "#core/errors/component-error.ts";
import { isRecord } from "#core/util/json.ts";
import { readComponent } from "./component.ts";
import { readConfiguration } from "./configuration.ts";
import { Fields, type Fault } from "./fields.ts";
import { readHttpEndpoint } from "./http-endpoint.ts";
import { readResiliency } from "./resiliency.ts";
import type { Resource } from "./resource.ts";
import type { Origin, ResourceHead } from "./resource-head.ts";
import { readSubscription } from "./subscription.ts";
import { parseYaml, refuseDeep } from "./yaml.ts";

/** A fault and where it stands. */
export interface Problem extends Fault, Origin {}
export interface Parsed {
  readonly documents: readonly Resource[];
  readonly problems: readonly Problem[];
}

/** Larger texts are refused. */
const maxCharacters = 4 * 1024 * 1024;
const maxDocuments = 10_000;

type Reader = (head: ResourceHead, fields: Fields, version: string) => Resource;
const readers: Readonly<Record<string, Reader>> = {
  Component: readComponent,
  Configuration: readConfiguration,
  HTTPEndpoint: readHttpEndpoint,
  Resiliency: readResiliency,
  Subscription: readSubscription,
};

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

/** The same for one resource that has been parsed already, such as an object of the Kubernetes API. */
export function readDocument(value: unknown, file: string): Parsed {
  const origin = { file, document: 1 };
  const faults: Fault[] = [];
  let resource: Resource | undefined;
  try {
    refuseDeep(value);
    resource = read(value, origin, faults);
  } catch (reason) {
    faults.push({
      field: "",
      message: `cannot be read: ${messageOf(reason)}`,
      severity: "error",
    });
  }
  const isUsable = !faults.some(({ severity }) => severity === "error");
  return {
    documents: resource && isUsable ? [resource] : [],
    problems: faults.map((fault) => ({ ...fault, ...origin })),
  };
}

/** `file (document 2): spec.topic is missing` */
export function problemText({ file, document, field, message }: Problem): string {
  return `${file} (document ${document}): ${field === "" ? message : `${field} ${message}`}`;
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
    const why = reason instanceof RangeError ? "it is nested too deep" : messageOf(reason);
    faults.push({ field: "", message: `cannot be read: ${why}`, severity: "error" });
  }
  return value === undefined ? undefined : read(value, origin, faults);
}

/** Resources of Dapr that this version does not know. */
const later: ReadonlySet<string> = new Set(["MCPServer", "WorkflowAccessPolicy"]);

function read(value: unknown, origin: Origin, faults: Fault[]): Resource | undefined {
  if (!isRecord(value)) {
    faults.push({
      field: "",
      message: "is no mapping; a resource has apiVersion, kind and metadata",
      severity: "error",
    });
    return undefined;
  }
  const fields = new Fields(value, "", faults);
  const apiVersion = fields.text("apiVersion") ?? "";
  const kind = fields.text("kind") ?? "";
  // Folders may hold other things, such as Kubernetes objects.
  if (!apiVersion.startsWith("dapr.io/")) return undefined;
  const reader = Object.hasOwn(readers, kind) ? readers[kind] : undefined;
  if (!reader) {
    const known = later.has(kind) ? "is a kind that this version ignores" : "is no kind of dapr.io";
    fields.warn("kind", `"${kind}" ${known}`);
    return undefined;
  }
  const version = apiVersion.slice("dapr.io/".length);
  if (version !== "v1alpha1" && !(version === "v2alpha1" && kind === "Subscription"))
    fields.error("apiVersion", `is "${apiVersion}"; make it dapr.io/v1alpha1`);
  const metadata = fields.fields("metadata");
  const name = metadata.required("name");
  // Dapr: what cannot stand in a path cannot be a name.
  if (name === "." || name === ".." || /[/%]/.test(name))
    metadata.error("name", `is "${name}"; leave out "/" and "%"`);
  const head = {
    name,
    namespace: metadata.text("namespace") ?? "",
    scopes: fields.texts("scopes"),
    origin,
  };
  const resource = reader(head, fields, version);
  fields.done();
  return resource;
}

function problem(origin: Origin, field: string, message: string): Problem {
  return { ...origin, field, message, severity: "error" };
}
