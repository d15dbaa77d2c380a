import { messageOf } from "#core/errors/component-error.ts";
import type { Log } from "#core/ports/platform.ts";
import { type KubeClient, KubeError } from "#k8s/api/client.ts";
import type { KubeObject } from "#k8s/api/objects.ts";
import {
  type Authority,
  type AuthorityStore,
  checked,
  names,
  newAuthority,
  nextStep,
  splitPem,
} from "./authority.ts";

export interface ClusterStoreOptions {
  readonly kube: KubeClient;
  /** Of the control plane. */
  readonly namespace: string;
  readonly trustDomain: string;
  readonly log: Log;
  /** So long what was read counts; a rotation is seen that much later. Default: 5 s. */
  readonly keptMs?: number;
}
interface Secret extends KubeObject {
  readonly type?: string;
  /** Base64. */
  readonly data?: Readonly<Record<string, string>>;
}
interface ConfigMap extends KubeObject {
  readonly data?: Readonly<Record<string, string>>;
}

const secretName = "outrigger-ca";
/** Mounted by whoever is to trust the authority; `ca.crt` in it. */
const bundleName = "outrigger-trust-bundle";
/** Others write too; each conflict means that somebody got on. */
const mostTries = 10;

/**
 * The credentials of an authority in a Secret, its roots also in a ConfigMap. Several replicas agree: who writes
 * says which version it has seen, and who loses reads again.
 */
export function clusterStore(options: ClusterStoreOptions): AuthorityStore {
  const { kube, namespace, trustDomain, log, keptMs = 5000 } = options;
  const secrets = `/api/v1/namespaces/${namespace}/secrets`;
  const bundles = `/api/v1/namespaces/${namespace}/configmaps`;
  const metadata = { namespace, labels: { "app.kubernetes.io/part-of": "outrigger" } };
  let last: { readonly at: number; readonly authority: Authority } | undefined;
  let reading: Promise<Authority> | undefined;

  async function change<T>(attempt: () => Promise<T>): Promise<T> {
    for (let tries = 1; ; tries++)
      try {
        return await attempt();
      } catch (reason) {
        if (!(reason instanceof KubeError && reason.code === 409) || tries === mostTries)
          throw reason;
        await new Promise((go) => setTimeout(go, Math.random() * 20 * tries));
      }
  }
  /**
   * The ConfigMap is read first: the Secret, read after it, is then as new as whatever the ConfigMap was made
   * from, and an older replica never takes a root back.
   */
  async function load(): Promise<{ readonly secret: Secret; readonly authority: Authority }> {
    const bundle = await find<ConfigMap>(kube, `${bundles}/${bundleName}`);
    const published = bundle?.data?.[names.anchors] ?? "";
    const found = await find<Secret>(kube, `${secrets}/${secretName}`);
    const secret = found && !isEmpty(found) ? found : await make(found, published);
    const authority = authorityOf(secret);
    if (published !== authority.anchors) await publish(bundle, authority.anchors);
    return { secret, authority };
  }
  /** Roots of an authority whose Secret is gone stay trusted: what they signed is in use. */
  async function make(found: Secret | undefined, published: string): Promise<Secret> {
    const made = await newAuthority(trustDomain);
    const former = splitPem(published);
    if (former.length > 0)
      log.warn(
        `The Secret ${namespace}/${secretName} is gone: a new root is made, and the former ones stay trusted`,
      );
    const anchors = [...former, made.anchors.trim(), ""].join("\n");
    return write(found, { ...made, anchors });
  }
  async function write(found: Secret | undefined, authority: Authority): Promise<Secret> {
    const data = Object.fromEntries(
      Object.entries(filesOf(authority)).map(([name, text]) => [
        name,
        Buffer.from(text).toString("base64"),
      ]),
    );
    return found
      ? kube.request("PUT", `${secrets}/${secretName}`, { body: { ...found, data } })
      : kube.request("POST", secrets, {
          body: {
            apiVersion: "v1",
            kind: "Secret",
            type: "Opaque",
            metadata: { ...metadata, name: secretName },
            data,
          },
        });
  }
  async function publish(found: ConfigMap | undefined, anchors: string): Promise<void> {
    const data = { ...found?.data, [names.anchors]: anchors };
    if (found) await kube.request("PUT", `${bundles}/${bundleName}`, { body: { ...found, data } });
    else
      await kube.request("POST", bundles, {
        body: {
          apiVersion: "v1",
          kind: "ConfigMap",
          metadata: { ...metadata, name: bundleName },
          data,
        },
      });
  }

  async function read(): Promise<Authority> {
    const { authority } = await change(load);
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
      const { secret, authority } = await change(load);
      const { phase, authority: next } = await nextStep(authority, trustDomain);
      try {
        await write(secret, next);
      } catch (reason) {
        // Not tried again: after somebody else's step it would be the one after, too early.
        if (!(reason instanceof KubeError && reason.code === 409)) throw reason;
        throw new Error("The credentials were changed meanwhile; nothing was done", {
          cause: reason,
        });
      }
      last = undefined;
      await change(load);
      return phase;
    },
  };

  function authorityOf({ data = {} }: Secret): Authority {
    const text = (name: string): string => Buffer.from(data[name] ?? "", "base64").toString();
    const next = { certificate: text(names.nextCertificate), privateKey: text(names.nextKey) };
    try {
      return checked({
        anchors: text(names.anchors),
        issuer: { certificate: text(names.certificate), privateKey: text(names.privateKey) },
        ...(next.certificate !== "" && next.privateKey !== "" ? { next } : {}),
      });
    } catch (reason) {
      throw new Error(`The Secret ${namespace}/${secretName} is wrong: ${messageOf(reason)}`, {
        cause: reason,
      });
    }
  }
}

function filesOf({ anchors, issuer, next }: Authority): Readonly<Record<string, string>> {
  return {
    [names.anchors]: anchors,
    [names.certificate]: issuer.certificate,
    [names.privateKey]: issuer.privateKey,
    ...(next
      ? { [names.nextCertificate]: next.certificate, [names.nextKey]: next.privateKey }
      : {}),
  };
}
/** Also one that a chart made without content, so that it can be named in a Role. */
function isEmpty({ data }: Secret): boolean {
  return Object.values(names).every((name) => !data?.[name]);
}

async function find<T>(kube: KubeClient, path: string): Promise<T | undefined> {
  try {
    return await kube.request<T>("GET", path);
  } catch (reason) {
    if (reason instanceof KubeError && reason.code === 404) return undefined;
    throw reason;
  }
}
