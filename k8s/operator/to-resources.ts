import { type Configuration, mergeConfigurations } from "#core/resources/configuration.ts";
import { type Problem, readDocument } from "#core/resources/read-document.ts";
import type { UnreadFile } from "#core/hosting/reload/documents.ts";
import type { Resource } from "#core/resources/resource.ts";
import type { KubeObject } from "#k8s/api/objects.ts";
import { isRecord } from "#core/util/json.ts";

/** Objects of the API as the core's documents. */
export interface ReadObjects {
  readonly resources: readonly Resource[];
  /** Those that cannot be used. A former version of them stays in force, as of a file that cannot be read. */
  readonly unread: readonly UnreadFile[];
  /** All faults, warnings too. */
  readonly problems: readonly Problem[];
}

/** Never throws: an object that cannot be read is told, and does not stop the others. */
export function toResources(objects: readonly KubeObject[]): ReadObjects {
  const resources: Resource[] = [];
  const unread: UnreadFile[] = [];
  const problems: Problem[] = [];
  for (const object of objects) {
    const file = originOf(object);
    const found = readDocument(withoutStatus(object), file);
    resources.push(...found.documents);
    problems.push(...found.problems);
    const why = faultOf(found.problems);
    if (why !== undefined) unread.push({ file, why });
  }
  return { resources, unread, problems };
}

/** Why the object cannot be used; `undefined` where it can. */
export function whyUnread(object: KubeObject): string | undefined {
  return faultOf(readDocument(withoutStatus(object), originOf(object)).problems);
}

/** `Component/shop/orders`: what stands in messages in place of a file. */
export function originOf(object: KubeObject): string {
  // Whatever the server sends must not stop the rest.
  const { kind = "", metadata }: Partial<KubeObject> = object ?? {};
  return `${kind}/${metadata?.namespace ?? ""}/${metadata?.name ?? ""}`;
}

/**
 * What a Configuration of that name says; without a name Dapr's defaults. `undefined` where there is no such
 * document, or none that can be read.
 */
export function configurationOf(
  resources: readonly Resource[],
  name: string,
): Configuration | undefined {
  if (name === "") return mergeConfigurations([]);
  const found = resources.filter((each) => each.kind === "Configuration" && each.name === name);
  return found.length === 0 ? undefined : mergeConfigurations(found as never);
}

/** The secret store that every app of a cluster has, as in Dapr, unless its pod says otherwise. */
export function builtInSecretStore(namespace: string): Resource {
  const [document] = readDocument(
    {
      apiVersion: "dapr.io/v1alpha1",
      kind: "Component",
      metadata: { name: "kubernetes", namespace },
      spec: { type: "secretstores.kubernetes", version: "v1" },
    },
    "built-in",
  ).documents;
  return document as Resource;
}

function faultOf(problems: readonly Problem[]): string | undefined {
  const faults = problems.filter(({ severity }) => severity === "error");
  if (faults.length === 0) return undefined;
  return faults
    .map(({ field, message }) => (field === "" ? message : `${field} ${message}`))
    .join("; ");
}

/** The server's part is no part of the document. */
function withoutStatus(object: KubeObject): unknown {
  if (!isRecord(object)) return object;
  const { status: _, ...document } = object;
  return document;
}
