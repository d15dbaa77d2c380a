import type { KubeObject } from "#k8s/api/objects.ts";
import { isRecord } from "#core/util/json.ts";
import { type Asking, readAll, type Reading } from "./read.ts";

/** A Component and what the nodes say of it, as `outrigger k8s components` shows it. */
export interface ComponentRow {
  readonly name: string;
  readonly namespace: string;
  readonly type: string;
  readonly version: string;
  readonly scopes: readonly string[];
  readonly nodes: readonly NodeReport[];
  /** Kubernetes Secrets that it takes values from. */
  readonly secrets: readonly string[];
}
/** One of `status.nodes[]`. */
export interface NodeReport {
  readonly node: string;
  readonly ready: boolean;
  readonly reason: string;
  readonly message: string;
  readonly since: string;
}

interface ComponentObject extends KubeObject {
  readonly spec?: unknown;
  readonly scopes?: unknown;
  readonly auth?: unknown;
  readonly status?: unknown;
}

export function readComponents(
  asking: Asking,
  namespace?: string,
): Promise<Reading<readonly ComponentRow[]>> {
  const within = namespace === undefined ? "" : `namespaces/${encodeURIComponent(namespace)}/`;
  return readAll<ComponentObject, ComponentRow>(
    asking,
    `/apis/dapr.io/v1alpha1/${within}components`,
    toRow,
  );
}

/** Anything may stand in an object whose CRD is not ours; what does not fit is passed over. */
function toRow({ metadata, spec, scopes, auth, status }: ComponentObject): ComponentRow {
  const fields = isRecord(spec) ? spec : {};
  const store = isRecord(auth) ? text(auth["secretStore"]) : "";
  const refers = store === "" || store === "kubernetes" ? records(fields["metadata"]) : [];
  return {
    name: metadata.name ?? "",
    namespace: metadata.namespace ?? "",
    type: text(fields["type"]),
    version: text(fields["version"]),
    scopes: Array.isArray(scopes) ? scopes.filter((scope) => typeof scope === "string") : [],
    nodes: records(isRecord(status) ? status["nodes"] : undefined).map((each) => ({
      node: text(each["node"]),
      ready: each["ready"] === true,
      reason: text(each["reason"]),
      message: text(each["message"]),
      since: text(each["since"]),
    })),
    secrets: refers.flatMap(({ secretKeyRef: ref }) =>
      isRecord(ref) ? text(ref["name"]) || [] : [],
    ),
  };
}

function records(value: unknown): ReadonlyArray<Readonly<Record<string, unknown>>> {
  return Array.isArray(value) ? value.filter(isRecord) : [];
}
function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}
