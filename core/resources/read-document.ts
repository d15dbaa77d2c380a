import { messageOf } from "#core/errors/component-error.ts";
import { isRecord } from "#core/util/json.ts";
import { didYouMean } from "#core/util/nearest.ts";
import { readComponent } from "./component.ts";
import { readConfiguration } from "./configuration.ts";
import { refuseDeep } from "./depth.ts";
import { Fields, type Fault } from "./fields.ts";
import { readHttpEndpoint } from "./http-endpoint.ts";
import { type Defaults, itemsOf } from "./items.ts";
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

type Reader = (head: ResourceHead, fields: Fields, version: string) => Resource;
const readers: Readonly<Record<string, Reader>> = {
  Component: readComponent,
  Configuration: readConfiguration,
  HTTPEndpoint: readHttpEndpoint,
  Resiliency: readResiliency,
  Subscription: readSubscription,
};

/** Reads one Dapr resource, such as an object of the Kubernetes API, or a list of them. What cannot be used is left out, with a problem that says why. */
export function readDocument(value: unknown, file: string): Parsed {
  const origin = { file, document: 1 };
  try {
    refuseDeep(value);
    return readValues(value, origin);
  } catch (reason) {
    return { documents: [], problems: [{ ...unreadable(messageOf(reason)), ...origin }] };
  }
}

/** Messages quote what is wrong, however long it is. */
const maxMessage = 500;

/** Reads what stood in one document of a text. */
export function readValues(value: unknown, origin: Origin, defaults: Defaults = {}): Parsed {
  const documents: Resource[] = [];
  const problems: Problem[] = [];
  for (const { item, path } of itemsOf(value, defaults)) {
    const faults: Fault[] = [];
    const resource = readValue(item, path, origin, faults);
    for (const fault of faults)
      problems.push({ ...fault, message: fault.message.slice(0, maxMessage), ...origin });
    if (resource && !faults.some(({ severity }) => severity === "error")) documents.push(resource);
  }
  return { documents, problems };
}

export function unreadable(why: string): Fault {
  return { field: "", message: `cannot be read: ${why}`, severity: "error" };
}

/** `file (document 2): spec.topic is missing` */
export function problemText({ file, document, field, message }: Problem): string {
  return `${file} (document ${document}): ${field === "" ? message : `${field} ${message}`}`;
}

/** Resources of Dapr that Outrigger does not have yet. */
const later: ReadonlySet<string> = new Set(["MCPServer", "WorkflowAccessPolicy"]);

/** `undefined` where it is not a resource of Dapr's, or a fault says why it cannot be used. */
function readValue(
  value: unknown,
  path: string,
  origin: Origin,
  faults: Fault[],
): Resource | undefined {
  if (!isRecord(value)) {
    faults.push({
      field: path,
      message: "is not a mapping; a resource has apiVersion, kind and metadata",
      severity: "error",
    });
    return undefined;
  }
  const fields = new Fields(value, path, faults);
  const apiVersion = fields.text("apiVersion") ?? "";
  const kind = fields.text("kind") ?? "";
  const reader = Object.hasOwn(readers, kind) ? readers[kind] : undefined;
  if (!apiVersion.startsWith(group)) {
    // Folders may hold other things, such as Kubernetes objects.
    if (!/^(?:dapr.*)?$/.test(apiVersion) || !reader) return undefined;
    const is = apiVersion === "" ? "is missing" : `is "${apiVersion}"`;
    fields.error("apiVersion", `${is}; make it ${group}v1alpha1`);
    return undefined;
  }
  if (!reader) {
    fields.warn("kind", unknownKind(kind));
    return undefined;
  }
  const version = apiVersion.slice(group.length);
  if (version !== "v1alpha1" && !(version === "v2alpha1" && kind === "Subscription"))
    fields.error("apiVersion", `is "${apiVersion}"; make it ${group}v1alpha1`);
  const metadata = fields.fields("metadata");
  // Dapr: what nobody calls by its name needs none.
  const name = called.has(kind) ? metadata.required("name") : (metadata.text("name") ?? "");
  // Dapr: what cannot stand in a path cannot be a name.
  if (name === "." || name === ".." || /[/%]/.test(name))
    metadata.error("name", `is "${name}"; leave out "/" and "%"`);
  const head = {
    name,
    namespace: metadata.text("namespace") ?? "",
    scopes: fields.texts("scopes"),
    origin,
  };
  // Objects of the Kubernetes API have one.
  fields.has("status");
  const resource = reader(head, fields, version);
  fields.done();
  return resource;
}

const group = "dapr.io/";
const called: ReadonlySet<string> = new Set(["Component", "HTTPEndpoint"]);

function unknownKind(kind: string): string {
  if (later.has(kind)) return `is "${kind}", which Outrigger does not have yet: it has no effect`;
  return `is "${kind}", which is not a kind of dapr.io${didYouMean(kind, Object.keys(readers))}`;
}
