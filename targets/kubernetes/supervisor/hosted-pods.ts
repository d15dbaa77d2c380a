import type { Clock, Log } from "#core/ports/platform.ts";
import type { KubeClient } from "#k8s/api/client.ts";
import { listWatch } from "#k8s/api/list-watch.ts";
import type { Pod } from "#k8s/api/objects.ts";
import type { WatchedDocuments } from "#k8s/operator/documents.ts";
import { endsWithin } from "#core/util/time-limit.ts";
import { plainAddress } from "#targets/node/listen/plain-address.ts";
import { createDuplicates, type Warn } from "./duplicates.ts";
import type { GroupAssignment } from "./group-assignment.ts";
import type { NodeRuntimeOptions } from "./options.ts";
import { seePod, type SeenPod } from "./pod-record.ts";

export interface HostedPodsDeps {
  readonly client: KubeClient;
  readonly scope: NodeRuntimeOptions["scope"];
  readonly documents: WatchedDocuments;
  readonly assignment: Pick<GroupAssignment, "put" | "remove">;
  readonly warn: Warn;
  /** Resolves when groups may start. */
  readonly before: Promise<unknown>;
  /** The pod is gone, or has nothing that could be hosted. */
  gone(uid: string): void;
  /** The last of its pods here is gone; its documents are known for the last time. */
  namespaceGone?(namespace: string): void;
  readonly log: Log;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}
/** The pods that are to be hosted, from the API server to the groups. */
export interface HostedPods {
  isCurrent(): boolean;
  /** True for the address of a pod here that has a runtime of its own. */
  isSidecar(address: string | undefined): boolean;
  /** Resolves when the pods that are there have been given to their groups. */
  readonly synced: Promise<void>;
}

/** Rights that are missing must not keep the apps of a namespace, or the ports of the node, closed for good. */
const documentsMs = 15_000;

/** A namespace with pods here. */
interface Inhabited {
  readonly uids: Set<string>;
  /** Its documents are there, or have had their time: news of its pods must not wait for them each anew. */
  readonly ready: Promise<boolean>;
}

/** A pod's app is hosted once the documents of its namespace are there. */
export function hostPods(deps: HostedPodsDeps): HostedPods {
  const { client, scope, documents, assignment, warn, clock } = deps;
  const duplicates = createDuplicates(warn);
  const namespaces = new Map<string, Inhabited>();
  /** The newest of each pod: documents may take longer than the pod's next news. */
  const seen = new Map<string, SeenPod>();

  /** Also where the namespace has no pods here any more. */
  const inTime = (work: Promise<void>): Promise<boolean> => endsWithin(clock, documentsMs, work);
  function inhabit(namespace: string): Inhabited {
    documents.add(namespace);
    const here = { uids: new Set<string>(), ready: inTime(documents.synced(namespace)) };
    namespaces.set(namespace, here);
    return here;
  }
  function put(pod: SeenPod): void {
    seen.set(pod.uid, pod);
    if (pod.problem) warn(pod, pod.problem.reason, pod.problem.message);
    if (!pod.record) {
      assignment.remove(pod.uid);
      return deps.gone(pod.uid);
    }
    const here = namespaces.get(pod.namespace) ?? inhabit(pod.namespace);
    here.uids.add(pod.uid);
    void Promise.all([deps.before, here.ready]).then(() => {
      const record = seen.get(pod.uid)?.record;
      // Who has come back to a namespace that was left waits for its documents of now.
      if (record && namespaces.get(pod.namespace) === here) assignment.put(record);
    });
  }
  function remove({ uid, namespace }: SeenPod): void {
    seen.delete(uid);
    duplicates.forget(uid);
    assignment.remove(uid);
    deps.gone(uid);
    const here = namespaces.get(namespace);
    here?.uids.delete(uid);
    if (here?.uids.size !== 0) return;
    namespaces.delete(namespace);
    deps.namespaceGone?.(namespace);
    documents.remove(namespace);
  }
  const watches = collectionsOf(scope).map((collection) =>
    listWatch<Pod, SeenPod>(
      client,
      {
        ...collection,
        keep: (pod) => {
          const kept = seePod(pod);
          if (kept) duplicates.see(pod, kept);
          else duplicates.forget(pod.metadata.uid ?? "");
          return kept;
        },
      },
      { put, remove },
      deps,
    ),
  );
  return {
    isSidecar: (address) => {
      const plain = plainAddress(address);
      if (plain === undefined) return false;
      for (const { sidecar } of seen.values()) if (sidecar?.ips.includes(plain)) return true;
      return false;
    },
    isCurrent: () => watches.every((watch) => watch.isCurrent()),
    synced: (async () => {
      await Promise.all(watches.map((watch) => watch.synced));
      await deps.before;
      await Promise.all([...namespaces.values()].map(({ ready }) => ready));
    })(),
  };
}

/** Namespaces that are named are asked for one by one: rights may be of those only. */
function collectionsOf(
  scope: HostedPodsDeps["scope"],
): ReadonlyArray<{ readonly path: string; readonly fieldSelector?: string }> {
  if ("node" in scope)
    return [{ path: "/api/v1/pods", fieldSelector: `spec.nodeName=${scope.node}` }];
  if (scope.namespaces.length === 0) return [{ path: "/api/v1/pods" }];
  return scope.namespaces.map((each) => ({
    path: `/api/v1/namespaces/${encodeURIComponent(each)}/pods`,
  }));
}
