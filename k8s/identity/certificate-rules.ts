import type { Workload } from "#core/identity/workload.ts";
import type { Clock } from "#core/ports/platform.ts";
import { KubeError, type KubeClient } from "#k8s/api/client.ts";
import { type AppPod, createPodReader } from "./app-pods.ts";
import { type Fresh, own, type RoleOptions, rolesOf } from "./roles.ts";
import { accountText, isNamespace } from "./service-account.ts";
import { createHolderOf, type TokenHolder } from "./token-holder.ts";
import { createTrustDomains } from "./trust-domain.ts";

/** Who somebody turned out to be, or why no identity is given. `isTransient`: asking again may help. */
export type Verdict =
  | { readonly proven: Workload }
  | { readonly refused: string; readonly isTransient?: boolean };

export interface RuleOptions extends RoleOptions {
  readonly kube: KubeClient;
  /** What tokens must be meant for: any of these. */
  readonly audiences: readonly string[];
  readonly controlPlaneNamespace: string;
  readonly clock: Pick<Clock, "monotonic" | "sleep">;
}
/** Decides about one identity. What Kubernetes does not say, or cannot be asked for, refuses. */
export type CertificateRules = (asked: Workload, token: string) => Promise<Verdict>;

/** Between two readings of the same, for who asks for what is not there. */
const againMs = 200;
const never = new AbortController().signal;

/**
 * Who gets which identity on Kubernetes. The pod of the token decides, and never what the request says:
 * - a pod of a node runtime: apps of pods of its own node that the injector gave to it;
 * - a pod of a shared runtime: apps of annotated pods of its namespaces;
 * - any other pod: its own app.
 */
export function createCertificateRules(options: RuleOptions): CertificateRules {
  const { kube, audiences, controlPlaneNamespace, clock } = options;
  const now = (): number => clock.monotonic();
  const holderOf = createHolderOf(kube, audiences, now);
  const pods = createPodReader(kube, now);
  const trustDomainOf = createTrustDomains(kube, now);
  const roles = rolesOf(options);

  async function judge(asked: Workload, token: string): Promise<Verdict> {
    const fresh = freshSince(now());
    if (!isNamespace(asked.namespace))
      return { refused: `"${asked.namespace.slice(0, 64)}" is not a Kubernetes namespace` };
    if (asked.appId === "dapr-sentry" && asked.namespace === controlPlaneNamespace)
      return { refused: 'the identity "dapr-sentry" is the authority\'s own' };
    const holder = await holderOf(token);
    if ("refused" in holder) return holder;
    const { namespace } = holder.account;
    const asking = await fresh(
      (notBefore) => pods.one(namespace, holder.pod.name, notBefore),
      (pod) => typeof askingPod(holder, pod) !== "string",
    );
    const pod = askingPod(holder, asking);
    if (typeof pod === "string") return { refused: pod };
    const role = roles.get(accountText(holder.account)) ?? own;
    const found = await role(asked, pod, pods, fresh);
    return "refused" in found ? found : provenAs(asked, found.of);
  }

  /** The trust domain is what the Configuration of a pod says; where pods of one app differ, the one asked for. */
  async function provenAs(asked: Workload, of: readonly AppPod[]): Promise<Verdict> {
    let verdict: Verdict = { refused: "no pod" };
    for (const config of new Set(of.map((pod) => pod.config))) {
      const trustDomain = await trustDomainOf(asked.namespace, config);
      if (trustDomain === asked.trustDomain) return { proven: asked };
      if ("proven" in verdict) continue;
      verdict =
        typeof trustDomain === "string" ? { proven: { ...asked, trustDomain } } : trustDomain;
    }
    return verdict;
  }

  return async (asked, token) => {
    try {
      return await judge(asked, token);
    } catch (reason) {
      if (!(reason instanceof KubeError)) throw reason;
      return { refused: `Kubernetes cannot be asked: ${reason.message}`, isTransient: true };
    }
  };

  /** A pod that is new, or back under its name, must not wait until what is remembered is forgotten. */
  function freshSince(arrived: number): Fresh {
    return async (read, suffices) => {
      const { at, value } = await read();
      if (at >= arrived || suffices(value)) return value;
      // Those who come meanwhile share the reading: asking for what is not there costs no more of them.
      await clock.sleep(againMs, { signal: never });
      return (await read(arrived)).value;
    };
  }
}

/** The pod whose token it is; or why the token counts for nothing though Kubernetes accepts it. */
function askingPod(
  { account, pod: { name, uid }, node }: TokenHolder,
  pod: AppPod | undefined,
): AppPod | string {
  const who = `pod "${name}" of namespace "${account.namespace}"`;
  if (!pod) return `the ${who}, whose token this is, does not exist`;
  if (pod.uid !== uid) return `the token belongs to a previous ${who}`;
  if (pod.account !== account.name)
    return `the ${who} runs as service account "${pod.account}", but the token belongs to "${account.name}"`;
  if (pod.isFinished) return `the ${who}, whose token this is, has ended`;
  if (pod.node === "") return `the ${who}, whose token this is, runs on no node`;
  if (node !== undefined && pod.node !== node)
    return `the ${who} runs on node "${pod.node}", but the token belongs to node "${node}"`;
  return pod;
}
