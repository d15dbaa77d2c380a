import { parseDocument } from "yaml";
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

/** A fault and where it stands. */
export interface Problem extends Fault, Origin {}
export interface Parsed {
  readonly documents: readonly Resource[];
  readonly problems: readonly Problem[];
}

/** Larger texts are refused. */
const maxCharacters = 4 * 1024 * 1024;
/** YAML aliases can make a small text huge ("billion laughs"). */
const maxAliases = 100;
const maxDepth = 64;

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
  // Dapr splits on a line that starts with three dashes, whatever stands around it.
  text.split(/(?:^|\r?\n)---[^\n]*(?=\n|$)/).forEach((part, i) => {
    if (part.trim() === "") return;
    const origin = { file, document: i + 1 };
    const faults: Fault[] = [];
    const value = parseYaml(part, faults);
    const resource = value === undefined ? undefined : read(value, origin, faults);
    problems.push(...faults.map((fault) => ({ ...fault, ...origin })));
    if (resource && !faults.some(({ severity }) => severity === "error")) documents.push(resource);
  });
  return { documents, problems };
}

/** `file (document 2): spec.topic is missing` */
export function problemText({ file, document, field, message }: Problem): string {
  return `${file} (document ${document}): ${field === "" ? message : `${field} ${message}`}`;
}

function parseYaml(text: string, faults: Fault[]): unknown {
  try {
    const parsed = parseDocument(text, { uniqueKeys: true, strict: true });
    const [error] = parsed.errors;
    if (error) throw new Error(error.message.split("\n", 1)[0]);
    const value: unknown = parsed.toJS({ maxAliasCount: maxAliases });
    if (isDeep(value, maxDepth))
      throw new Error(`is nested deeper than ${maxDepth} levels or refers to itself`);
    return value ?? undefined;
  } catch (reason) {
    faults.push({ field: "", message: `cannot be read: ${messageOf(reason)}`, severity: "error" });
    return undefined;
  }
}

function isDeep(value: unknown, left: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  return left === 0 || Object.values(value).some((each) => isDeep(each, left - 1));
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
  const head = {
    name: metadata.required("name"),
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
