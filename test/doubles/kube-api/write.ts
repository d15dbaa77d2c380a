import { randomBytes } from "node:crypto";
import type { KubeObject } from "#k8s/api/objects.ts";
import type { ResourcePath } from "./paths.ts";
import { Refusal, type Store } from "./store.ts";

type Plain = Record<string, unknown>;

export function create(store: Store, path: ResourcePath, body: KubeObject): KubeObject {
  const { generateName } = body.metadata ?? {};
  const name =
    body.metadata?.name ??
    (generateName === undefined ? undefined : `${generateName}${randomBytes(3).toString("hex")}`);
  if (name === undefined)
    throw new Refusal(
      422,
      "Invalid",
      "metadata.name: Required value: name or generateName is required",
    );
  const namespace = body.metadata.namespace;
  if (namespace !== undefined && path.namespace !== undefined && namespace !== path.namespace)
    throw new Refusal(400, "BadRequest", "the namespace of the object does not match the request");
  const at = { ...path, name };
  if (store.get(at))
    throw new Refusal(409, "AlreadyExists", `${path.plural} "${name}" already exists`);
  return store.write(at, { ...body, metadata: { ...body.metadata, name } });
}

export function update(store: Store, path: ResourcePath, body: KubeObject): KubeObject {
  const before = existing(store, path);
  checkVersion(path, before, body);
  return store.write(path, replaced(before, body, path.subresource));
}

/** A merge patch, or server-side apply: much simplified, a field belongs to whoever applied it last. */
export function patch(
  store: Store,
  path: ResourcePath,
  body: KubeObject,
  contentType: string,
  query: URLSearchParams,
): KubeObject {
  const isApply = contentType.startsWith("application/apply-patch");
  if (!isApply && !contentType.startsWith("application/merge-patch+json"))
    throw new Refusal(415, "UnsupportedMediaType", `the body of the request was in ${contentType}`);
  if (isApply && !query.get("fieldManager"))
    throw new Refusal(422, "Invalid", "fieldManager: Required value: is required for apply patch");
  if (isApply && !store.get(path) && path.subresource === undefined)
    return store.write(path, {
      ...body,
      metadata: { ...body.metadata, name: path.name as string },
    });
  const before = existing(store, path);
  checkVersion(path, before, body);
  const manager = isApply ? query.get("fieldManager") : null;
  const merged = merge(before, body, manager) as KubeObject;
  return store.write(path, replaced(before, merged, path.subresource));
}

export function remove(store: Store, path: ResourcePath, body: unknown): KubeObject {
  const before = existing(store, path);
  const expected = (body as { preconditions?: { uid?: string } } | undefined)?.preconditions?.uid;
  if (expected !== undefined && expected !== before.metadata.uid)
    throw new Refusal(409, "Conflict", `Precondition failed: UID in precondition: ${expected}`);
  return store.remove(path) as KubeObject;
}

function existing(store: Store, path: ResourcePath): KubeObject {
  const found = store.get(path);
  if (!found) throw notFound(path);
  return found;
}
export function notFound({ group, plural, name }: ResourcePath): Refusal {
  const resource = group === "" ? plural : `${plural}.${group}`;
  return new Refusal(404, "NotFound", `${resource} "${name}" not found`);
}
function checkVersion({ plural, name }: ResourcePath, before: KubeObject, body: KubeObject): void {
  const version = body.metadata?.resourceVersion;
  if (version !== undefined && version !== before.metadata.resourceVersion)
    throw new Refusal(
      409,
      "Conflict",
      `Operation cannot be fulfilled on ${plural} "${name}": the object has been modified`,
    );
}
/** A subresource changes nothing but itself, and the rest nothing of the status. */
function replaced(
  before: KubeObject,
  after: KubeObject,
  subresource: string | undefined,
): KubeObject {
  const was = before as unknown as Plain;
  const is = after as unknown as Plain;
  if (subresource !== undefined) return { ...was, [subresource]: is[subresource] } as never;
  return { ...is, ...("status" in was ? { status: was["status"] } : {}) } as never;
}
/** RFC 7396. With a manager, lists are maps keyed by `node`, `name` or `type`, as those of Kubernetes often are. */
function merge(before: unknown, change: unknown, manager: string | null): unknown {
  if (Array.isArray(change) && Array.isArray(before) && manager !== null)
    return mergeList(before as Plain[], change as Plain[]);
  if (typeof change !== "object" || change === null || Array.isArray(change)) return change;
  const merged: Plain = { ...(typeof before === "object" ? (before as Plain) : {}) };
  for (const [name, value] of Object.entries(change))
    if (value === null) delete merged[name];
    else merged[name] = merge(merged[name], value, manager);
  return merged;
}
function mergeList(before: readonly Plain[], change: readonly Plain[]): readonly Plain[] {
  const key = ["node", "name", "type"].find((name) =>
    change.every((each) => each?.[name] !== undefined),
  );
  if (key === undefined || change.length === 0) return change;
  const rest = before.filter((each) => change.every((other) => other[key] !== each[key]));
  return [...rest, ...change];
}
