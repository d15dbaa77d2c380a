import { messageOf } from "#core/errors/component-error.ts";
import { type KubeClient, KubeError } from "#k8s/api/client.ts";
import type { KubeObject } from "#k8s/api/objects.ts";
import { type Authority, checked, names } from "./authority.ts";

export interface Secret extends KubeObject {
  readonly type?: string;
  /** Base64. */
  readonly data?: Readonly<Record<string, string>>;
}
export interface ConfigMap extends KubeObject {
  readonly data?: Readonly<Record<string, string>>;
}

/** The Secret with the credentials of an authority, and the ConfigMap with its roots. */
export interface AuthorityObjects {
  /** `undefined` where it is not there. */
  readSecret(): Promise<Secret | undefined>;
  readBundle(): Promise<ConfigMap | undefined>;
  /** In the place of the one that was read; rejects with a conflict where that has changed. */
  writeSecret(found: Secret | undefined, authority: Authority): Promise<Secret>;
  writeBundle(found: ConfigMap | undefined, anchors: string): Promise<void>;
}

export const secretName = "outrigger-ca";
/** Mounted by whoever is to trust the authority; `ca.crt` in it. */
export const bundleName = "outrigger-trust-bundle";

export function createAuthorityObjects(kube: KubeClient, namespace: string): AuthorityObjects {
  const secrets = `/api/v1/namespaces/${namespace}/secrets`;
  const bundles = `/api/v1/namespaces/${namespace}/configmaps`;
  const metadata = { namespace, labels: { "app.kubernetes.io/part-of": "outrigger" } };
  return {
    readSecret: () => find<Secret>(kube, `${secrets}/${secretName}`),
    readBundle: () => find<ConfigMap>(kube, `${bundles}/${bundleName}`),
    writeSecret: async (found, authority) => {
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
    },
    writeBundle: async (found, anchors) => {
      const data = { ...found?.data, [names.anchors]: anchors };
      if (found)
        await kube.request("PUT", `${bundles}/${bundleName}`, { body: { ...found, data } });
      else
        await kube.request("POST", bundles, {
          body: {
            apiVersion: "v1",
            kind: "ConfigMap",
            metadata: { ...metadata, name: bundleName },
            data,
          },
        });
    },
  };
}

/** Throws where the Secret does not hold an authority. */
export function authorityOf({ data = {} }: Secret, namespace: string): Authority {
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
export function isEmpty({ data }: Secret): boolean {
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
