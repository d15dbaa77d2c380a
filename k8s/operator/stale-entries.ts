import { messageOf } from "#core/errors/component-error.ts";
import type { Clock, Log } from "#core/ports/platform.ts";
import type { KubeClient } from "#k8s/api/client.ts";
import { listPages } from "#k8s/api/list.ts";
import type { Pod } from "#k8s/api/objects.ts";
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
  const failed: unknown[] = [];
  for (const place of stale)
    try {
      if (await writeEntry(client, place, place.node, undefined, signal)) removed++;
    } catch (reason) {
      if (signal.aborted) throw reason;
      // One that cannot be written does not keep the others.
      failed.push(reason);
    }
  if (failed.length > 0) throw failed[0];
  return removed;
}

export interface SweepDeps {
  readonly client: KubeClient;
  /** Name of this node; of a Deployment, of the pod. */
  readonly node: string;
  /** True where this node may have something to say of the component. */
  readonly knows: (namespace: string, component: string) => boolean;
  /** All that there are rights for; empty: the whole cluster. */
  readonly namespaces: readonly string[];
  readonly log: Log;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Between 0 and 1; default: `Math.random`. */
  readonly random?: () => number;
}

/** Apps that are there at the start have been hosted by then. */
const firstMs = 60_000;
/** Each runtime lists all components of the cluster: not all of them at once. */
const everyMs = 3_600_000;

/** Takes stale entries away, soon after the start and then about once an hour. Resolves when the signal fires. */
export async function sweepEntries(deps: SweepDeps): Promise<void> {
  const { clock, signal, random = Math.random } = deps;
  const pause = (ms: number): Promise<boolean> =>
    clock.sleep(ms, { signal }).then(
      () => true,
      () => false,
    );
  let goesOn = await pause(firstMs * (1 + random()));
  while (goesOn) {
    await sweep(deps);
    goesOn = await pause(everyMs * (0.75 + random() / 2));
  }
}
async function sweep({ client, node, knows, namespaces, log, signal }: SweepDeps): Promise<void> {
  const isCluster = namespaces.length === 0;
  const others = new Set<string>();
  // What an earlier process of this name said of components that nobody loads any more.
  const isOwnStale = (place: EntryPlace): boolean => {
    if (place.node === node) return !knows(place.namespace, place.name);
    others.add(place.node);
    return false;
  };
  for (const scope of isCluster ? [{}] : namespaces.map((namespace) => ({ namespace })))
    await removeStaleEntries(client, isOwnStale, { ...scope, signal }).catch(stays);
  if (isCluster && others.size > 0) await removeOfGone().catch(stays);

  // The pods are listed after the entries: whoever wrote one had its pod by then.
  async function removeOfGone(): Promise<void> {
    const present = await presentRuntimes(client, signal);
    // Without this one the labels are not those of the chart, and nobody is known to be gone.
    if (!present.has(node)) return;
    const gone = new Set([...others].filter((each) => !present.has(each)));
    if (gone.size === 0) return;
    const removed = await removeStaleEntries(client, (place) => gone.has(place.node), { signal });
    log.info(`Took away ${removed} states of components that runtimes left that are gone`);
  }
  function stays(reason: unknown): void {
    if (!signal.aborted) log.debug(`Old states of components stay: ${messageOf(reason)}`);
  }
}

/** What entries of runtimes that are there are named by: their nodes, and of a Deployment the pods themselves. */
async function presentRuntimes(
  client: KubeClient,
  signal: AbortSignal,
): Promise<ReadonlySet<string>> {
  const names = new Set<string>();
  await listPages(
    client,
    { path: "/api/v1/pods", labelSelector: runtimeLabels },
    (pod: Pod) => {
      for (const name of [pod.metadata.name, pod.spec?.nodeName])
        if (name !== undefined && name !== "") names.add(name);
    },
    signal,
  );
  return names;
}
/** Of the chart, whatever the release is called. */
const runtimeLabels = "app.kubernetes.io/name=outrigger,app.kubernetes.io/component=node";
