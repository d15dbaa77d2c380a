import type { KubeClient } from "./client.ts";
import type { KubeObject } from "./objects.ts";

export interface Collection {
  /** `/api/v1/pods`, `/apis/dapr.io/v1alpha1/namespaces/shop/components`. */
  readonly path: string;
  readonly fieldSelector?: string;
  readonly labelSelector?: string;
}
interface ListPage {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata?: { readonly resourceVersion?: string; readonly continue?: string };
  readonly items?: readonly KubeObject[] | null;
}

/** Reads a collection page by page, as of one moment; gives its resourceVersion. Rejects with a `KubeError`, or for what is not a list. */
export async function listPages(
  client: KubeClient,
  collection: Collection,
  add: (object: KubeObject) => void,
  signal: AbortSignal,
): Promise<string> {
  let next = "";
  for (;;) {
    const page = await client.request<ListPage | undefined>(
      "GET",
      `${collection.path}?${query(collection, { limit: String(pageSize), ...(next === "" ? {} : { continue: next }) })}`,
      { signal, timeoutMs: 30_000 },
    );
    const { resourceVersion, continue: following = "" } = page?.metadata ?? {};
    if (!page || !Array.isArray(page.items ?? []) || typeof resourceVersion !== "string")
      throw new Error("the answer is not a list");
    const type = {
      ...(page.apiVersion === undefined ? {} : { apiVersion: page.apiVersion }),
      ...(page.kind === undefined ? {} : { kind: page.kind.replace(/List$/, "") }),
    };
    // Items of Kubernetes' own kinds do not say in a list what they are.
    for (const item of page.items ?? []) add(item.kind === undefined ? { ...type, ...item } : item);
    if (following === "") return resourceVersion;
    if (following === next) throw new Error("the list does not end");
    next = following;
  }
}
/** Pods of a page are a megabyte of JSON: what is read at once is what the process grows by. */
const pageSize = 100;

export function query(
  { fieldSelector, labelSelector }: Collection,
  more: Readonly<Record<string, string>>,
): string {
  return String(
    new URLSearchParams({
      ...more,
      ...(fieldSelector === undefined ? {} : { fieldSelector }),
      ...(labelSelector === undefined ? {} : { labelSelector }),
    }),
  );
}
