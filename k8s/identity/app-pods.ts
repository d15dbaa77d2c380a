import { isTruthy } from "#core/util/truthy.ts";
import { type KubeClient, KubeError } from "#k8s/api/client.ts";
import type { ObjectMeta, Pod } from "#k8s/api/objects.ts";
import { findAppId } from "#k8s/pods/app-id.ts";
import { outriggerAnnotations } from "#k8s/pods/settings.ts";
import { type Seen, shortCache } from "./short-cache.ts";

/** What decides about certificates of a pod. Texts are empty where the pod says nothing. */
export interface AppPod {
  readonly name: string;
  readonly uid: string;
  readonly namespace: string;
  readonly account: string;
  /** Empty until it is scheduled. */
  readonly node: string;
  /** Its containers have ended for good. */
  readonly isFinished: boolean;
  /** As the injector and the runtime find it; of a pod that Dapr is not for, only what its annotation says. */
  readonly appId: string;
  readonly isEnabled: boolean;
  /** What our injector did to it: `shared` or `sidecar`. */
  readonly injected: string;
  /** Name of its Configuration. */
  readonly config: string;
}
export interface PodReader {
  one(namespace: string, name: string, notBefore?: number): Promise<Seen<AppPod | undefined>>;
  /** Of a namespace, as far as they are scheduled on that node; on any where none is given. */
  some(
    namespace: string,
    node: string | undefined,
    notBefore?: number,
  ): Promise<Seen<readonly AppPod[]>>;
}

/** So long the pods of a node count as they were read: when a runtime starts, it asks for all its apps at once. */
const keptMs = 2000;
const pageSize = 500;
const mostPages = 40;

/**
 * Asks for pods when they are needed, a few bytes of each kept for 2 s. No watch: the authority would hold all
 * pods of the cluster, and know nothing whenever the watch is behind.
 */
export function createPodReader(kube: KubeClient, now: () => number): PodReader {
  const cache = shortCache(keptMs, now);
  const options = { timeoutMs: 5000 };
  return {
    one: (namespace, name, notBefore) => {
      const path = `${podsOf(namespace)}/${encodeURIComponent(name)}`;
      return cache(path, () => read(kube, path), notBefore);
    },
    some: (namespace, node, notBefore) => {
      const of =
        node === undefined ? "" : `&fieldSelector=${encodeURIComponent(`spec.nodeName=${node}`)}`;
      const path = `${podsOf(namespace)}?limit=${pageSize}${of}`;
      const list = async (): Promise<readonly AppPod[]> => {
        const pods: AppPod[] = [];
        let next = "";
        for (let pages = 0; pages < mostPages; pages++) {
          const page = await kube.request<{
            readonly metadata?: { readonly continue?: string };
            readonly items?: readonly Pod[];
          }>("GET", next === "" ? path : `${path}&continue=${encodeURIComponent(next)}`, options);
          for (const pod of page.items ?? []) pods.push(appPod(pod));
          next = page.metadata?.continue ?? "";
          if (next === "") return pods;
        }
        throw new KubeError(`namespace "${namespace}" has more than ${mostPages * pageSize} pods`, {
          code: 0,
        });
      };
      return cache(path, list, notBefore);
    },
  };
}

function podsOf(namespace: string): string {
  return `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods`;
}

async function read(kube: KubeClient, path: string): Promise<AppPod | undefined> {
  try {
    return appPod(await kube.request<Pod>("GET", path, { timeoutMs: 5000 }));
  } catch (reason) {
    if (reason instanceof KubeError && reason.code === 404) return undefined;
    throw reason;
  }
}

function appPod({ metadata, spec, status }: Pod): AppPod {
  const { name = "", namespace = "", uid = "", annotations = {} } = metadata;
  const isEnabled = isTruthy(annotations["dapr.io/enabled"] ?? "");
  const injected = annotations[outriggerAnnotations.injected] ?? "";
  return {
    name,
    uid,
    namespace,
    account: spec?.serviceAccountName ?? "",
    node: spec?.nodeName ?? "",
    isFinished: status?.phase === "Succeeded" || status?.phase === "Failed",
    appId: appIdOf(metadata, isEnabled || injected !== ""),
    isEnabled,
    injected,
    config: annotations["dapr.io/config"] ?? "",
  };
}

function appIdOf(metadata: ObjectMeta, isApp: boolean): string {
  if (isApp) return findAppId(metadata)?.appId ?? "";
  return metadata.annotations?.["dapr.io/app-id"]?.trim() ?? "";
}
