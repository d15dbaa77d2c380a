import { defaultTrustDomain } from "#core/identity/workload.ts";
import { type KubeClient, KubeError } from "#k8s/api/client.ts";
import type { KubeObject } from "#k8s/api/objects.ts";
import { isObjectName } from "./service-account.ts";
import { shortCache } from "./short-cache.ts";

/** The trust domain that a Configuration gives to its apps, `public` where the name is empty; or why there is none. */
export type TrustDomainOf = (
  namespace: string,
  configuration: string,
) => Promise<string | { readonly refused: string }>;

interface Configuration extends KubeObject {
  readonly spec?: { readonly accessControl?: { readonly trustDomain?: string } };
}
const keptMs = 5000;

export function createTrustDomains(kube: KubeClient, now: () => number): TrustDomainOf {
  const cache = shortCache(keptMs, now);
  return async (namespace, name) => {
    if (name === "") return defaultTrustDomain;
    const named = `the Configuration "${name.slice(0, 253)}" of namespace "${namespace}"`;
    const missing = { refused: `${named} does not exist` };
    if (!isObjectName(name)) return missing;
    const path = `/apis/dapr.io/v1alpha1/namespaces/${namespace}/configurations/${name}`;
    const { value } = await cache(path, async () => {
      try {
        const { spec } = await kube.request<Configuration>("GET", path, { timeoutMs: 5000 });
        // The empty text is as good as none, as for Dapr.
        return spec?.accessControl?.trustDomain || defaultTrustDomain;
      } catch (reason) {
        if (reason instanceof KubeError && reason.code === 404) return undefined;
        throw reason;
      }
    });
    if (value === undefined) return missing;
    const domain = String(value).toLowerCase();
    if (/^[a-z0-9][a-z0-9._-]*$/.test(domain) && domain.length <= 255) return domain;
    return { refused: `${named} has an invalid trust domain` };
  };
}
