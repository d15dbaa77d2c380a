import { randomUUID } from "node:crypto";
import type { KubeObject } from "#k8s/api/objects.ts";
import type { ResourcePath } from "./paths.ts";
import { Refusal, selects, type Store } from "./store.ts";

/** What is left of lists that were asked for in pages, by their `continue`. */
export type Pages = Map<string, { readonly version: number; readonly rest: readonly KubeObject[] }>;

/** One page, all pages of a list as of the same moment. */
export function listPage(
  store: Store,
  pages: Pages,
  path: ResourcePath,
  query: URLSearchParams,
): object {
  const token = query.get("continue") ?? "";
  const page = token === "" ? undefined : pages.get(token);
  if (token !== "" && page === undefined)
    throw new Refusal(410, "Expired", "The provided continue parameter is too old");
  pages.delete(token);
  const version = page?.version ?? store.version;
  const all = page?.rest ?? store.list(path).filter(selects(query));
  const limit = Number(query.get("limit") ?? 0) || all.length;
  const rest = all.slice(limit);
  const next = rest.length === 0 ? "" : randomUUID();
  if (next !== "") pages.set(next, { version, rest });
  const kind = store.list(path)[0]?.kind ?? "";
  return {
    kind: `${kind}List`,
    apiVersion: path.group === "" ? path.version : `${path.group}/${path.version}`,
    metadata: {
      resourceVersion: String(version),
      ...(next === "" ? {} : { continue: next, remainingItemCount: rest.length }),
    },
    items: all.slice(0, limit).map((item) => (isBuiltIn(path.group) ? untyped(item) : item)),
  };
}

/** Items of Kubernetes' own kinds do not say in a list what they are; those of others do. */
function isBuiltIn(group: string): boolean {
  return !group.includes(".") || group.endsWith(".k8s.io");
}
function untyped({ apiVersion: _apiVersion, kind: _kind, ...rest }: KubeObject): KubeObject {
  return rest;
}
