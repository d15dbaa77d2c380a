import { createHash } from "node:crypto";
import type { KubeClient } from "#k8s/api/client.ts";
import { reviewToken } from "#k8s/api/token-review.ts";
import { isNamespace, isObjectName, type ServiceAccount } from "./service-account.ts";
import { shortCache } from "./short-cache.ts";

/** The pod that a service-account token is bound to, as Kubernetes says. */
export interface TokenHolder {
  readonly account: ServiceAccount;
  readonly pod: { readonly name: string; readonly uid: string };
  /** Absent where the cluster does not write it into tokens (before 1.30). */
  readonly node?: string;
}
/** Asks Kubernetes whose token it is. Rejects with a `KubeError` where it cannot be asked. */
export type HolderOf = (token: string) => Promise<TokenHolder | { readonly refused: string }>;

/** So long a token counts as it was reviewed: a runtime asks for all its apps with one token. */
const keptMs = 5000;

/** Tokens must be meant for one of the audiences. */
export function createHolderOf(
  kube: KubeClient,
  audiences: readonly string[],
  now: () => number,
): HolderOf {
  const cache = shortCache(keptMs, now);
  return async (token) => {
    if (token === "") return { refused: "a service account token is required" };
    // A digest, so that no token is kept for longer than its call.
    const key = createHash("sha256").update(token).digest("base64");
    const { value } = await cache(key, () => reviewToken(kube, token, { audiences }));
    if (!value)
      return {
        refused: `Kubernetes does not accept the token for the audience ${audiences.join(" or ")}: it is not a token, has expired, belongs to a pod that is gone, or is for another audience`,
      };
    const {
      namespace = "",
      serviceAccount: name = "",
      podName = "",
      podUid = "",
      nodeName,
    } = value;
    if (!isNamespace(namespace) || !isObjectName(name))
      return { refused: "the token does not belong to a service account" };
    if (!isObjectName(podName) || podUid === "")
      return { refused: "the token is not bound to a pod" };
    return {
      account: { namespace, name },
      pod: { name: podName, uid: podUid },
      ...(nodeName === undefined ? {} : { node: nodeName }),
    };
  };
}
