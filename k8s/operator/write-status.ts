import { createHash } from "node:crypto";
import { apply } from "#k8s/api/apply.ts";
import { type KubeClient, KubeError } from "#k8s/api/client.ts";
import type { KubeObject } from "#k8s/api/objects.ts";
import { type Resource, resourcePath } from "#k8s/api/resource-path.ts";
import type { NodeEntry } from "./component-state.ts";

export const components: Resource = { apiVersion: "dapr.io/v1alpha1", plural: "components" };

/** The Component as it is; `undefined` where it is gone. */
export async function readComponent(
  client: KubeClient,
  place: { readonly namespace: string; readonly name: string },
  signal: AbortSignal,
): Promise<KubeObject | undefined> {
  try {
    return await client.request<KubeObject>("GET", resourcePath(components, place), { signal });
  } catch (reason) {
    if (reason instanceof KubeError && reason.code === 404) return undefined;
    throw reason;
  }
}

/**
 * Makes the entry of a node what it is, or takes it away. False where the kind has no status, as that of Dapr's own
 * CRD.
 */
export async function writeEntry(
  client: KubeClient,
  { namespace, name }: { readonly namespace: string; readonly name: string },
  node: string,
  entry: NodeEntry | undefined,
  signal: AbortSignal,
): Promise<boolean> {
  const nodes = entry === undefined ? [] : [{ node, ...entry }];
  const object = { kind: "Component", metadata: { namespace, name }, status: { nodes } };
  try {
    await apply(client, components, object, {
      fieldManager: managerOf(node),
      subresource: "status",
      signal,
    });
    return true;
  } catch (reason) {
    if (!(reason instanceof KubeError) || (reason.code !== 404 && reason.code !== 405))
      throw reason;
    // The object may have gone in the meantime: that says nothing about its kind.
    return (await readComponent(client, { namespace, name }, signal)) === undefined;
  }
}

/** The name that this node's fields are owned by; Kubernetes takes 128 characters. */
function managerOf(node: string): string {
  const name = `outrigger-${node}`;
  if (name.length <= 128) return name;
  return `${name.slice(0, 100)}-${createHash("sha256").update(node).digest("hex").slice(0, 16)}`;
}
