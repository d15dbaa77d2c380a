import { openClient } from "#k8s/api/open-client.ts";
import { fixedAccess } from "#k8s/api/access.ts";
import type { KubeClient } from "#k8s/api/client.ts";
import type { Pod } from "#k8s/api/objects.ts";
import { kubeApi, type KubeApiDouble } from "#test/doubles/kube-api.ts";

/** What tokens are made of; all of it is for the API double to know. */
export interface TokenParts {
  readonly account?: string;
  readonly audiences?: readonly string[];
  readonly username?: string;
  readonly isExpired?: boolean;
  readonly pod?: Pod;
  /** Other than the pod's own. */
  readonly uid?: string;
  readonly node?: string | undefined;
}
export interface PodParts {
  readonly annotations?: Readonly<Record<string, string>>;
  readonly account?: string;
  readonly node?: string;
  readonly phase?: "Pending" | "Running" | "Succeeded" | "Failed";
  readonly owner?: { readonly kind: string; readonly name: string };
}
/** A cluster with pods and their tokens, behind a double of its API server. */
export interface Cluster extends AsyncDisposable {
  readonly api: KubeApiDouble;
  readonly kube: KubeClient;
  pod(namespace: string, name: string, parts?: PodParts): Pod;
  remove(pod: Pod): void;
  /** Of a pod, as the kubelet would get it. */
  token(pod: Pod, parts?: TokenParts): string;
  /** True: the API server goes on accepting tokens of pods that are gone, as from its cache. */
  forgetsNothing: boolean;
}
export const audience = "spiffe://cluster.local/ns/outrigger-system/dapr-sentry";

export async function cluster(): Promise<Cluster> {
  const api = await kubeApi();
  const kube = openClient(fixedAccess(api.url));
  const tokens = new Map<string, TokenParts & { readonly pod: Pod }>();
  const of: Cluster = {
    api,
    kube,
    forgetsNothing: false,
    pod: (
      namespace,
      name,
      { annotations, account = "default", node = "node-a", phase = "Running", owner } = {},
    ) =>
      api.put({
        apiVersion: "v1",
        kind: "Pod",
        metadata: {
          namespace,
          name,
          annotations: annotations ?? {},
          ...(owner
            ? { generateName: `${owner.name}-`, ownerReferences: [{ ...owner, controller: true }] }
            : {}),
        },
        spec: { serviceAccountName: account, ...(node === "" ? {} : { nodeName: node }) },
        status: { phase },
      } as Pod),
    remove: ({ metadata }) =>
      void api.remove(`/api/v1/namespaces/${metadata.namespace}/pods/${metadata.name}`),
    token: (pod, parts = {}) => {
      const token = `e30.${Buffer.from(`${tokens.size}`).toString("base64url")}.c2ln`;
      tokens.set(token, { ...parts, pod });
      return token;
    },
    [Symbol.asyncDispose]: async () => {
      await kube[Symbol.asyncDispose]();
      await api[Symbol.asyncDispose]();
    },
  };
  api.onTokenReview = ({ token = "", audiences = [] }) => {
    const found = tokens.get(token);
    if (!found || found.isExpired) return { authenticated: false, error: "invalid bearer token" };
    const { pod } = found;
    const { namespace, name, uid } = pod.metadata;
    const present = api.get<Pod>(`/api/v1/namespaces/${namespace}/pods/${name}`);
    if (!of.forgetsNothing && present?.metadata.uid !== uid)
      return { authenticated: false, error: "the pod does not exist" };
    const shared = audiences.filter((each) => (found.audiences ?? [audience]).includes(each));
    if (shared.length === 0) return { authenticated: false, error: "token audiences" };
    const account = found.account ?? pod.spec?.serviceAccountName;
    const node = "node" in found ? found.node : pod.spec?.nodeName;
    const key = "authentication.kubernetes.io";
    return {
      authenticated: true,
      audiences: shared,
      user: {
        username: found.username ?? `system:serviceaccount:${namespace}:${account}`,
        extra: {
          [`${key}/pod-name`]: [name ?? ""],
          [`${key}/pod-uid`]: [found.uid ?? uid ?? ""],
          ...(node === undefined ? {} : { [`${key}/node-name`]: [node] }),
        },
      },
    };
  };
  return of;
}
