import type { KubeObject, Pod } from "#k8s/api/objects.ts";
import { type AppPod, readAppPods } from "./app-pods.ts";
import { type ComponentRow, readComponents } from "./components.ts";
import { originOf, whyUnread } from "#k8s/operator/to-resources.ts";
import { type Asking, read, readAll, type Reading, valueOr } from "./read.ts";

/** Names that the chart gives. */
export const names = {
  node: "outrigger-node",
  injector: "outrigger-injector",
  ca: "outrigger-ca",
  certificate: "outrigger-injector-cert",
  webhook: "outrigger-injector",
  roots: "outrigger-trust-bundle",
} as const;

/** Everything that `outrigger k8s status` judges, read at one time. */
export interface Cluster {
  readonly server: string;
  /** The control plane's. */
  readonly namespace: string;
  readonly now: number;
  readonly version: Reading<{ readonly gitVersion?: string }>;
  readonly nodes: Reading<readonly NodeObject[]>;
  readonly daemonSet: Reading<DaemonSet>;
  readonly deployments: Reading<readonly Deployment[]>;
  readonly runtimes: Reading<readonly RuntimePod[]>;
  readonly webhooks: Reading<readonly WebhookConfiguration[]>;
  /** Of the injector's Service. */
  readonly endpoints: Reading<readonly EndpointSlice[]>;
  readonly certificate: Reading<{ readonly data?: Readonly<Record<string, string>> }>;
  /** Certificates of the authority, for everybody. */
  readonly roots: Reading<{ readonly data?: Readonly<Record<string, string>> }>;
  /** Resources of dapr.io, by version. */
  readonly v1: Reading<ResourceList>;
  readonly v2: Reading<ResourceList>;
  /** One Subscription as v1alpha1: answered only if the conversion webhook does. */
  readonly conversion: Reading<unknown>;
  readonly pods: Reading<readonly AppPod[]>;
  readonly components: Reading<readonly ComponentRow[]>;
  /** Why documents cannot be used, each as `Kind/namespace/name: why`. */
  readonly unusable: Reading<readonly string[]>;
}

export interface NodeObject extends KubeObject {
  readonly spec?: {
    readonly unschedulable?: boolean;
    readonly taints?: ReadonlyArray<{ readonly key: string; readonly effect: string }>;
  };
}
export interface DaemonSet extends KubeObject {
  readonly status?: {
    readonly desiredNumberScheduled?: number;
    readonly numberReady?: number;
    readonly updatedNumberScheduled?: number;
  };
}
export interface Deployment extends KubeObject {
  readonly spec?: { readonly replicas?: number };
  readonly status?: { readonly readyReplicas?: number };
}
/** A pod of the control plane's namespace. */
export interface RuntimePod {
  readonly name: string;
  readonly node: string;
  /** Name of the DaemonSet, or of the Deployment. */
  readonly owner: string;
  /** True for one of a DaemonSet. */
  readonly isPerNode: boolean;
  readonly image: string;
  readonly ready: boolean;
  /** Why it is not, as far as Kubernetes says: `CrashLoopBackOff`, `ImagePullBackOff`... */
  readonly why: string;
  readonly restarts: number;
}
export interface WebhookConfiguration extends KubeObject {
  readonly webhooks?: ReadonlyArray<{
    readonly name: string;
    readonly failurePolicy?: string;
    readonly clientConfig?: {
      readonly caBundle?: string;
      readonly service?: { readonly namespace?: string; readonly name?: string };
    };
  }>;
}
export interface EndpointSlice extends KubeObject {
  readonly endpoints?: ReadonlyArray<{ readonly conditions?: { readonly ready?: boolean } }>;
}
export interface ResourceList {
  readonly resources?: ReadonlyArray<{ readonly name: string }>;
}
/** Rejects only where the API server does not answer at all. */
export async function readCluster(
  asking: Asking,
  options: { readonly namespace: string; readonly now: number },
): Promise<Cluster> {
  const { namespace, now } = options;
  const within = `namespaces/${encodeURIComponent(namespace)}`;
  // First alone: where nobody answers, one message says so.
  const version = await read<{ readonly gitVersion?: string }>(asking, "/version");
  const [nodes, daemonSet, deployments, runtimes, webhooks, endpoints, certificate, roots] =
    await Promise.all([
      readAll<NodeObject>(asking, "/api/v1/nodes", (node) => node),
      read<DaemonSet>(asking, `/apis/apps/v1/${within}/daemonsets/${names.node}`),
      readAll<Deployment>(asking, `/apis/apps/v1/${within}/deployments`, (each) => each),
      readRuntimePods(asking, namespace),
      readAll<WebhookConfiguration>(
        asking,
        "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations",
        (each) => each,
      ),
      readAll<EndpointSlice>(
        asking,
        `/apis/discovery.k8s.io/v1/${within}/endpointslices?labelSelector=${encodeURIComponent(`kubernetes.io/service-name=${names.injector}`)}`,
        (each) => each,
      ),
      read<{ readonly data?: Readonly<Record<string, string>> }>(
        asking,
        `/api/v1/${within}/secrets/${names.certificate}`,
      ),
      read<{ readonly data?: Readonly<Record<string, string>> }>(
        asking,
        `/api/v1/${within}/configmaps/${names.roots}`,
      ),
    ]);
  const [v1, v2, conversion, pods, components, unusable] = await Promise.all([
    read<ResourceList>(asking, "/apis/dapr.io/v1alpha1"),
    read<ResourceList>(asking, "/apis/dapr.io/v2alpha1"),
    read(asking, "/apis/dapr.io/v1alpha1/subscriptions?limit=1"),
    readAppPods(asking),
    readComponents(asking),
    readUnusable(asking),
  ]);
  return {
    server: asking.client.server,
    namespace,
    now,
    version,
    nodes,
    daemonSet,
    deployments,
    runtimes,
    webhooks,
    endpoints,
    certificate,
    roots,
    v1,
    v2,
    conversion,
    pods,
    components,
    unusable,
  };
}

const kinds = [
  ["Component", "v1alpha1/components"],
  ["Configuration", "v1alpha1/configurations"],
  ["Subscription", "v2alpha1/subscriptions"],
  ["Resiliency", "v1alpha1/resiliencies"],
  ["HTTPEndpoint", "v1alpha1/httpendpoints"],
] as const;

/** Every document is read as a runtime would; of a kind that cannot be listed nothing is said here. */
async function readUnusable(asking: Asking): Promise<Reading<readonly string[]>> {
  const all = await Promise.all(
    kinds.map(([kind, path]) =>
      readAll<KubeObject, string>(asking, `/apis/dapr.io/${path}`, (object) => {
        const named = { apiVersion: `dapr.io/${path.split("/")[0]}`, kind, ...object };
        const why = whyUnread(named);
        return why === undefined ? undefined : `${originOf(named)}: ${why}`;
      }),
    ),
  );
  return { is: "there", value: all.flatMap((found) => valueOr(found, [])) };
}

interface SystemPod extends Omit<Pod, "status"> {
  readonly status?: Omit<NonNullable<Pod["status"]>, "containerStatuses"> & {
    readonly containerStatuses?: ReadonlyArray<{
      readonly name: string;
      readonly restartCount?: number;
      readonly state?: { readonly waiting?: { readonly reason?: string } };
    }>;
  };
}

/** Pods of the control plane's namespace that some controller keeps. */
export function readRuntimePods(
  asking: Asking,
  namespace: string,
): Promise<Reading<readonly RuntimePod[]>> {
  const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods`;
  return readAll<SystemPod, RuntimePod>(asking, path, toRuntimePod);
}

/** Pods of a Deployment belong to a ReplicaSet, whose name is the Deployment's and a hash. */
export function toRuntimePod({ metadata, spec, status }: SystemPod): RuntimePod | undefined {
  const owner = metadata.ownerReferences?.find(({ controller }) => controller !== false);
  if (metadata.deletionTimestamp !== undefined || !owner) return undefined;
  const states = status?.containerStatuses ?? [];
  const ready = (status?.conditions ?? []).some(
    ({ type, status: is }) => type === "Ready" && is === "True",
  );
  return {
    name: metadata.name ?? "",
    node: spec?.nodeName ?? "",
    owner: owner.kind === "ReplicaSet" ? owner.name.replace(/-[^-]*$/, "") : owner.name,
    isPerNode: owner.kind === "DaemonSet",
    image: spec?.containers?.[0]?.image ?? "",
    ready,
    why: ready
      ? ""
      : (states.flatMap(({ state }) => state?.waiting?.reason ?? [])[0] ?? status?.phase ?? ""),
    restarts: states.reduce((sum, { restartCount }) => sum + (restartCount ?? 0), 0),
  };
}
