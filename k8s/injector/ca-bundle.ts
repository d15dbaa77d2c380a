import { X509Certificate } from "node:crypto";
import { isRecord } from "#core/util/json.ts";
import { type KubeClient, KubeError } from "#k8s/api/client.ts";
import type { KubeObject } from "#k8s/api/objects.ts";
import { splitPem } from "./certificate-state.ts";

/** Who calls the injector, and how it is called: by a Service. */
export interface BundlePlaces {
  /** Name of the MutatingWebhookConfiguration. */
  readonly webhookName: string;
  readonly serviceName: string;
  readonly namespace: string;
}

const webhooks = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations";
const crd = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/subscriptions.dapr.io";
const mostTries = 3;
/** A Secret that somebody empties again and again must not fill the webhook's object. */
const mostFormer = 5;

/**
 * Makes the API server trust the certificates of a PEM: in the webhook configuration, and in the conversion of the
 * Subscription CRD. What calls another service is left alone. Gives what could not be done, as texts for people.
 */
export async function publishBundle(
  kube: KubeClient,
  places: BundlePlaces,
  pem: string,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const bundle = Buffer.from(pem).toString("base64");
  const edit = (clientConfig: unknown): Edited => edited(clientConfig, places, bundle);
  const problems = await Promise.all([
    change(kube, `${webhooks}/${places.webhookName}`, signal, (object) =>
      editWebhooks(object, edit),
    ),
    change(kube, crd, signal, (object) => editConversion(object, edit)),
  ]);
  return problems.filter((problem) => problem !== undefined);
}

/**
 * The authorities that the API server trusts of the webhook now, the newest first; each a PEM. Rejects where that
 * cannot be known.
 */
export async function publishedAuthorities(
  kube: KubeClient,
  places: BundlePlaces,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const path = `${webhooks}/${places.webhookName}`;
  let object: KubeObject;
  try {
    object = await kube.request<KubeObject>("GET", path, { signal });
  } catch (reason) {
    if (!(reason instanceof KubeError)) throw reason;
    if (reason.code === 404) return [];
    throw new Error(problemText(path, reason), { cause: reason });
  }
  const list = (object as { readonly webhooks?: unknown }).webhooks;
  const pems = (Array.isArray(list) ? list : []).flatMap((webhook: unknown) => {
    const clientConfig = isRecord(webhook) ? webhook["clientConfig"] : undefined;
    if (!isRecord(clientConfig) || !isOurs(clientConfig, places)) return [];
    const { caBundle } = clientConfig;
    return typeof caBundle === "string" ? splitPem(Buffer.from(caBundle, "base64").toString()) : [];
  });
  return [...new Set(pems)]
    .flatMap((pem) => {
      const begin = authorityBegin(pem);
      return begin === undefined ? [] : [{ pem, begin }];
    })
    .toSorted((a, b) => b.begin - a.begin)
    .slice(0, mostFormer)
    .map(({ pem }) => pem);
}
/** `undefined` for what is not an authority. */
function authorityBegin(pem: string): number | undefined {
  try {
    const certificate = new X509Certificate(pem);
    return certificate.ca ? certificate.validFromDate.getTime() : undefined;
  } catch {
    return undefined;
  }
}

/** `other`: not ours; `same`: as wanted. */
type Edited = { readonly value: unknown } | "same" | "other";

function edited(clientConfig: unknown, places: BundlePlaces, caBundle: string): Edited {
  if (!isRecord(clientConfig)) return "other";
  if (!isOurs(clientConfig, places)) return "other";
  return clientConfig["caBundle"] === caBundle ? "same" : { value: { ...clientConfig, caBundle } };
}
function isOurs(clientConfig: Readonly<Record<string, unknown>>, places: BundlePlaces): boolean {
  const service = clientConfig["service"];
  return isRecord(service)
    ? service["name"] === places.serviceName && service["namespace"] === places.namespace
    : typeof clientConfig["url"] === "string";
}

function editWebhooks(object: KubeObject, edit: (clientConfig: unknown) => Edited): Edited {
  const list = (object as { readonly webhooks?: unknown }).webhooks;
  const edits = (Array.isArray(list) ? list : []).map((webhook: unknown) => ({
    webhook,
    edited: isRecord(webhook) ? edit(webhook["clientConfig"]) : ("other" as const),
  }));
  if (edits.every((each) => each.edited === "other")) return "other";
  if (!edits.some((each) => typeof each.edited === "object")) return "same";
  return {
    value: {
      ...object,
      webhooks: edits.map((each) =>
        typeof each.edited === "object"
          ? { ...(each.webhook as object), clientConfig: each.edited.value }
          : each.webhook,
      ),
    },
  };
}

function editConversion(object: KubeObject, edit: (clientConfig: unknown) => Edited): Edited {
  const { spec } = object as { readonly spec?: Record<string, unknown> };
  const conversion = spec?.["conversion"];
  const webhook = isRecord(conversion) ? conversion["webhook"] : undefined;
  if (!isRecord(webhook)) return "same";
  const result = edit(webhook["clientConfig"]);
  // Another runtime's CRD: its own webhook converts.
  if (typeof result !== "object") return "same";
  const clientConfig = result.value;
  return {
    value: {
      ...object,
      spec: {
        ...spec,
        conversion: { ...(conversion as object), webhook: { ...webhook, clientConfig } },
      },
    },
  };
}

/** Reads, edits and writes one object; the version that was read must still be the newest. */
async function change(
  kube: KubeClient,
  path: string,
  signal: AbortSignal,
  edit: (object: KubeObject) => Edited,
): Promise<string | undefined> {
  for (let tries = 1; ; tries++)
    try {
      const object = await kube.request<KubeObject>("GET", path, { signal });
      const result = edit(object);
      if (result === "other")
        return `${nameOf(path)} calls no webhook of ours: look at its clientConfig`;
      if (result !== "same") await kube.request("PUT", path, { signal, body: result.value });
      return undefined;
    } catch (reason) {
      if (!(reason instanceof KubeError)) throw reason;
      if (reason.code === 409 && tries < mostTries) continue;
      return problemText(path, reason);
    }
}

function problemText(path: string, { code, message }: KubeError): string {
  const name = nameOf(path);
  if (code === 404) return `${name} is not there yet`;
  if (code === 403)
    return `${name} cannot be read or changed: the ServiceAccount needs get and update on it`;
  return `${name}: ${message}`;
}
function nameOf(path: string): string {
  return path.slice(path.indexOf("/v1/") + 4);
}
