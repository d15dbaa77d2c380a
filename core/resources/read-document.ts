import { messageOf } from "#core/errors/component-error.ts";
import { isRecord } from "#core/util/json.ts";
import { readComponent } from "./component.ts";
import { readConfiguration } from "./configuration.ts";
import { refuseDeep } from "./depth.ts";
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

type Reader = (head: ResourceHead, fields: Fields, version: string) => Resource;
const readers: Readonly<Record<string, Reader>> = {
  Component: readComponent,
  Configuration: readConfiguration,
  HTTPEndpoint: readHttpEndpoint,
  Resiliency: readResiliency,
  Subscription: readSubscription,
};

/** Reads one Dapr resource, such as an object of the Kubernetes API. What cannot be used is left out, with a problem that says why. */
export function readDocument(value: unknown, file: string): Parsed {
  const origin = { file, document: 1 };
  const faults: Fault[] = [];
  let resource: Resource | undefined;
  try {
    refuseDeep(value);
    resource = readValue(value, origin, faults);
  } catch (reason) {
    faults.push(unreadable(messageOf(reason)));
  }
  const isUsable = !faults.some(({ severity }) => severity === "error");
  return {
    documents: resource && isUsable ? [resource] : [],
    problems: faults.map((fault) => ({ ...fault, ...origin })),
  };
}

export function unreadable(why: string): Fault {
  return { field: "", message: `cannot be read: ${why}`, severity: "error" };
}

/** `file (document 2): spec.topic is missing` */
export function problemText({ file, document, field, message }: Problem): string {
  return `${file} (document ${document}): ${field === "" ? message : `${field} ${message}`}`;
}

/** Resources of Dapr that this version does not know. */
const later: ReadonlySet<string> = new Set(["MCPServer", "WorkflowAccessPolicy"]);

/** Reads a value that stood in a text; `undefined` where it is no resource of ours, or a fault says why. */
export function readValue(value: unknown, origin: Origin, faults: Fault[]): Resource | undefined {
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
