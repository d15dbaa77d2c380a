import { messageOf } from "#core/errors/component-error.ts";
import type { Log } from "#core/ports/platform.ts";
import { type KubeClient, KubeError } from "#k8s/api/client.ts";
import {
  type Authority,
  type AuthorityStore,
  names,
  newAuthority,
  nextStep,
  splitPem,
} from "./authority.ts";
import {
  authorityOf,
  bundleName,
  createAuthorityObjects,
  isEmpty,
  type Secret,
  secretName,
} from "./authority-objects.ts";

export interface ClusterStoreOptions {
  readonly kube: KubeClient;
  /** Of the control plane. */
  readonly namespace: string;
  readonly trustDomain: string;
  readonly log: Log;
  /** So long what was read counts; a rotation is seen that much later. Default: 5 s. */
  readonly keptMs?: number;
}

/** Others write too; each conflict means that somebody got on. */
const mostTries = 10;

/**
 * The credentials of an authority in a Secret, its roots also in a ConfigMap. Several replicas agree: who writes
 * says which version it has seen, and who loses reads again.
 */
export function clusterStore(options: ClusterStoreOptions): AuthorityStore {
  const { kube, namespace, trustDomain, log, keptMs = 5000 } = options;
  const objects = createAuthorityObjects(kube, namespace);
  let last: { readonly at: number; readonly authority: Authority } | undefined;
  let reading: Promise<Authority> | undefined;

  /**
   * The ConfigMap is read first: the Secret, read after it, is then as new as whatever the ConfigMap was made
   * from, and an older replica never takes a root back.
   */
  async function load(): Promise<{ readonly secret: Secret; readonly authority: Authority }> {
    const bundle = await objects.readBundle();
    const published = bundle?.data?.[names.anchors] ?? "";
    const found = await objects.readSecret();
    const secret = found && !isEmpty(found) ? found : await make(found, published);
    const authority = authorityOf(secret, namespace);
    if (published !== authority.anchors) await objects.writeBundle(bundle, authority.anchors);
    return { secret, authority };
  }
  /** Roots of an authority whose Secret is gone stay trusted: what they signed is in use. */
  async function make(found: Secret | undefined, published: string): Promise<Secret> {
    const made = await newAuthority(trustDomain);
    const former = splitPem(published);
    if (former.length > 0)
      log.warn(
        `The Secret ${namespace}/${secretName} is gone: creating a new root, and the previous ones stay trusted`,
      );
    const anchors = [...former, made.anchors.trim(), ""].join("\n");
    return objects.writeSecret(found, { ...made, anchors });
  }
  async function read(): Promise<Authority> {
    const { authority } = await retryConflicts(load);
    last = { at: performance.now(), authority };
    return authority;
  }
  return {
    anchorsAt: `ConfigMap ${namespace}/${bundleName}`,
    open: async () => {
      if (last && performance.now() - last.at < keptMs) return last.authority;
      try {
        return await (reading ??= read().finally(() => (reading = undefined)));
      } catch (reason) {
        // What was right a moment ago still is, and those who ask are checked elsewhere.
        if (!last || !(reason instanceof KubeError)) throw reason;
        log.warn(`Cannot read the authority's credentials: ${messageOf(reason)}`);
        return last.authority;
      }
    },
    rotate: async () => {
      const { secret, authority } = await retryConflicts(load);
      const { phase, authority: next } = await nextStep(authority, trustDomain);
      try {
        await objects.writeSecret(secret, next);
      } catch (reason) {
        // Not tried again: after somebody else's step it would be the one after, too early.
        if (!(reason instanceof KubeError && reason.code === 409)) throw reason;
        throw new Error("The credentials were changed meanwhile; nothing was done", {
          cause: reason,
        });
      }
      last = undefined;
      await retryConflicts(load);
      return phase;
    },
  };
}

async function retryConflicts<T>(attempt: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++)
    try {
      return await attempt();
    } catch (reason) {
      if (!(reason instanceof KubeError && reason.code === 409) || tries === mostTries)
        throw reason;
      await new Promise((go) => setTimeout(go, Math.random() * 20 * tries));
    }
}
