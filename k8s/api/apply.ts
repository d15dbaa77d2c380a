import type { KubeClient } from "./client.ts";
import type { KubeObject } from "./objects.ts";
import { type Resource, resourcePath } from "./resource-path.ts";

export interface ApplyOptions {
  /** Who owns the fields; what it applied before and does not now is removed. At most 128 characters. */
  readonly fieldManager: string;
  /** `status`. */
  readonly subresource?: string;
  /** Default true: fields of others that are in the object become ours; else that is a `KubeError` 409. */
  readonly force?: boolean;
  readonly signal?: AbortSignal;
}

/** Server-side apply: creates the object or brings the fields it has to these values. A subresource needs the object: 404. */
export function apply<T extends KubeObject>(
  client: KubeClient,
  resource: Resource,
  object: Pick<KubeObject, "metadata"> & { readonly kind: string },
  { fieldManager, subresource, force = true, signal }: ApplyOptions,
): Promise<T> {
  const { name, namespace } = object.metadata;
  if (name === undefined) throw new Error("an object without a name cannot be applied");
  const path = resourcePath(resource, { namespace, name, subresource });
  const query = new URLSearchParams({ fieldManager, force: String(force) });
  return client.request<T>("PATCH", `${path}?${query.toString()}`, {
    // JSON is YAML.
    contentType: "application/apply-patch+yaml",
    body: { ...object, apiVersion: resource.apiVersion },
    ...(signal === undefined ? {} : { signal }),
  });
}
