import type { KubeClient } from "#k8s/api/client.ts";
import { listPages } from "#k8s/api/list.ts";
import { nodesOf } from "./component-state.ts";
import { components, writeEntry } from "./write-status.ts";

/** An entry of `status.nodes[]`, and whose it is. */
export interface EntryPlace {
  readonly namespace: string;
  readonly name: string;
  readonly node: string;
}

/**
 * Takes away what nobody will: entries of a node that is gone, or of a former process of this one that loaded other
 * components. Gives how many. Without a namespace it takes the right to list components of all of them.
 */
export async function removeStaleEntries(
  client: KubeClient,
  isStale: (entry: EntryPlace) => boolean,
  options: { readonly namespace?: string; readonly signal: AbortSignal },
): Promise<number> {
  const { namespace, signal } = options;
  const within = namespace === undefined ? "" : `/namespaces/${encodeURIComponent(namespace)}`;
  const stale: EntryPlace[] = [];
  await listPages(
    client,
    { path: `/apis/${components.apiVersion}${within}/${components.plural}` },
    (object) => {
      const { namespace: at = "", name = "" } = object.metadata;
      for (const { node } of nodesOf(object)) {
        const place = { namespace: at, name, node: typeof node === "string" ? node : "" };
        if (place.node !== "" && isStale(place)) stale.push(place);
      }
    },
    signal,
  );
  let removed = 0;
  for (const place of stale)
    if (await writeEntry(client, place, place.node, undefined, signal)) removed++;
  return removed;
}
