/** Where an object lives, as the path of a request says it. */
export interface ResourcePath {
  /** Empty: the core group. */
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly namespace?: string;
  readonly name?: string;
  readonly subresource?: string;
}

/** `undefined` for what is not a path of a resource. */
export function parsePath(path: string): ResourcePath | undefined {
  const parts = path.split("/").slice(1).map(decodeURIComponent);
  const isCore = parts[0] === "api";
  if (!isCore && parts[0] !== "apis") return undefined;
  const [group, version, ...rest] = isCore
    ? ["", ...parts.slice(1)]
    : (parts.slice(1) as [string, ...string[]]);
  if (group === undefined || version === undefined || rest[0] === undefined) return undefined;
  // `/namespaces/x` is a namespace, and `/namespaces/x/pods` what is in it.
  const isInside = rest[0] === "namespaces" && rest.length > 2 && !subresources.has(rest[2] ?? "");
  const [plural, name, subresource] = isInside ? rest.slice(2) : rest;
  if (plural === undefined) return undefined;
  return {
    group,
    version,
    plural,
    ...(isInside ? { namespace: rest[1] as string } : {}),
    ...(name === undefined ? {} : { name }),
    ...(subresource === undefined ? {} : { subresource }),
  };
}
const subresources = new Set(["status", "finalize"]);

/** The path of an object by its apiVersion, kind, namespace and name. */
export function pathOf(object: {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: { readonly namespace?: string; readonly name?: string };
}): string {
  const { apiVersion = "v1", kind = "" } = object;
  const { namespace, name } = object.metadata;
  const base = apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  const inside = clusterKinds.has(kind) ? "" : `/namespaces/${namespace ?? "default"}`;
  return `${base}${inside}/${pluralOf(kind)}${name === undefined ? "" : `/${name}`}`;
}

export function pluralOf(kind: string): string {
  const lower = kind.toLowerCase();
  if (lower === "endpoints") return lower;
  if (/[^aeiou]y$/.test(lower)) return `${lower.slice(0, -1)}ies`;
  return /(?:s|x|ch)$/.test(lower) ? `${lower}es` : `${lower}s`;
}

const clusterKinds = new Set([
  "Namespace",
  "Node",
  "CustomResourceDefinition",
  "MutatingWebhookConfiguration",
  "ValidatingWebhookConfiguration",
  "ClusterRole",
  "ClusterRoleBinding",
  "PersistentVolume",
]);
