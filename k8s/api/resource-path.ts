/** A kind of object, as paths name it. */
export interface Resource {
  /** `v1`, `dapr.io/v1alpha1`. */
  readonly apiVersion: string;
  /** `pods`, `components`. */
  readonly plural: string;
}
export interface ResourcePlace {
  /** Absent: of the cluster, or of all namespaces. */
  readonly namespace?: string | undefined;
  /** Absent: the collection. */
  readonly name?: string | undefined;
  /** `status`. */
  readonly subresource?: string | undefined;
}

/** `/apis/dapr.io/v1alpha1/namespaces/shop/components/pubsub/status`. Throws for a name that would be another path. */
export function resourcePath(
  { apiVersion, plural }: Resource,
  { namespace, name, subresource }: ResourcePlace = {},
): string {
  const base = apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  const inside = namespace === undefined ? "" : `/namespaces/${segment(namespace)}`;
  const of = name === undefined ? "" : `/${segment(name)}`;
  return `${base}${inside}/${plural}${of}${subresource === undefined ? "" : `/${subresource}`}`;
}
function segment(name: string): string {
  // Names of some kinds hold colons; none a slash, and none is a way up.
  if (name === "" || name === "." || name === ".." || name.includes("/") || name.includes("%"))
    throw new Error(`"${name}" is not a name of a Kubernetes object`);
  return encodeURIComponent(name);
}
