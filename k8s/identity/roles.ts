import type { Workload } from "#core/identity/workload.ts";
import type { AppPod, PodReader } from "./app-pods.ts";
import { accountText, type ServiceAccount, type SharedAccount } from "./service-account.ts";
import type { Reader } from "./short-cache.ts";

/** The pods whose app it is that somebody may speak for; or why nobody is. */
export type Found = { readonly of: readonly AppPod[] } | { readonly refused: string };
/** What pods of a service account may get. `asking` is the pod that asks, as it is in the cluster. */
export type Role = (
  asked: Workload,
  asking: AppPod,
  pods: PodReader,
  fresh: Fresh,
) => Promise<Found>;
/** Reads again where what is remembered, from before the request came, does not suffice. */
export type Fresh = <T>(read: Reader<T>, suffices: (value: T) => boolean) => Promise<T>;

export interface RoleOptions {
  /** Whose pods may speak for the apps of their own node. */
  readonly nodeAccounts: readonly ServiceAccount[];
  /** Whose pods may speak for the apps of whole namespaces. */
  readonly sharedAccounts: readonly SharedAccount[];
}

/** By `namespace/name` of the service account; every other pod is `own`. Throws for an account with two roles. */
export function rolesOf({ nodeAccounts, sharedAccounts }: RoleOptions): ReadonlyMap<string, Role> {
  const roles = new Map<string, Role>();
  const add = (account: ServiceAccount, role: Role): void => {
    const key = accountText(account);
    if (roles.has(key)) throw new Error(`The service account ${key} is listed twice`);
    roles.set(key, role);
  };
  for (const account of nodeAccounts) add(account, ofNode);
  for (const account of sharedAccounts) add(account, ofNamespaces(account));
  return roles;
}

/** An app's pod is that app, as for Dapr. */
export const own: Role = async ({ namespace, appId }, asking) => {
  if (asking.namespace !== namespace)
    return {
      refused: `a pod of namespace "${asking.namespace}" cannot be an app of namespace "${namespace}"`,
    };
  if (asking.appId === "")
    return {
      refused: `the pod "${asking.name}" is not an app: it has no annotation dapr.io/app-id`,
    };
  if (asking.appId !== appId)
    return { refused: `the pod "${asking.name}" is app "${asking.appId}", not "${appId}"` };
  return { of: [asking] };
};

/** A stolen runtime of a node is worth no more than the apps of that node. */
const ofNode: Role = async (asked, { node }, pods, fresh) => {
  const judge = (some: readonly AppPod[]): Found => {
    const here = some.filter((pod) => pod.node === node);
    return judged(asked, here, `on node "${node}"`, {
      // Pods with a sidecar have a runtime of their own, which asks for itself.
      fits: (pod) => pod.injected === "shared",
      lacks: "has been given to the node's runtime (annotation outrigger.dev/injected: shared)",
    });
  };
  return judge(
    await fresh(
      (notBefore) => pods.some(asked.namespace, node, notBefore),
      (some) => "of" in judge(some),
    ),
  );
};

const ofNamespaces =
  (account: SharedAccount): Role =>
  async (asked, _asking, pods, fresh) => {
    const { namespace } = asked;
    if (account.namespaces !== "all" && !account.namespaces.has(namespace))
      return {
        refused: `the service account ${accountText(account)} cannot speak for namespace "${namespace}"`,
      };
    const judge = (some: readonly AppPod[]): Found =>
      judged(asked, some, `in namespace "${namespace}"`, {
        fits: (pod) => pod.isEnabled,
        lacks: 'has the annotation dapr.io/enabled: "true"',
      });
    return judge(
      await fresh(
        (notBefore) => pods.some(namespace, undefined, notBefore),
        (some) => "of" in judge(some),
      ),
    );
  };

/** The asked app's pods that are not over and that fit; the first thing that all of them lack is the reason. */
function judged(
  { namespace, appId }: Workload,
  pods: readonly AppPod[],
  where: string,
  { fits, lacks }: { fits(pod: AppPod): boolean; readonly lacks: string },
): Found {
  const ofApp = pods.filter((pod) => pod.namespace === namespace && pod.appId === appId);
  const running = ofApp.filter((pod) => !pod.isFinished);
  const fitting = running.filter(fits);
  if (fitting.length > 0) return { of: fitting };
  const what = `pod of app "${appId}" of namespace "${namespace}"`;
  if (running.length > 0) return { refused: `no ${what} ${where} ${lacks}` };
  if (ofApp.length > 0) return { refused: `every ${what} ${where} has ended` };
  return { refused: `no ${what} is ${where}` };
}
