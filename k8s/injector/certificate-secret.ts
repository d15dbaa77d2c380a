import { isRecord } from "#core/util/json.ts";
import { type KubeClient, KubeError } from "#k8s/api/client.ts";
import type { KubeObject } from "#k8s/api/objects.ts";
import {
  type CertificateState,
  checkPair,
  endOf,
  type KeyPair,
  splitPem,
} from "./certificate-state.ts";

/** The Secret that the replicas share. */
export interface SecretRef {
  readonly namespace: string;
  readonly name: string;
}
interface Secret extends KubeObject {
  readonly type?: string;
  readonly data?: Readonly<Record<string, string>>;
}

const mostTries = 5;

/**
 * Reads the state, lets `advance` change it, and writes what changed. Whoever writes second reads again and takes
 * over what the first wrote: replicas agree. Rejects with a `KubeError` where Kubernetes cannot be asked.
 */
export async function updateState(
  kube: KubeClient,
  { namespace, name }: SecretRef,
  advance: (state: CertificateState | undefined) => Promise<CertificateState>,
  signal: AbortSignal,
): Promise<CertificateState> {
  const collection = `/api/v1/namespaces/${namespace}/secrets`;
  const path = `${collection}/${name}`;
  for (let tries = 1; ; tries++) {
    const secret = await readSecret(kube, path, signal);
    const before = readState(secret?.data);
    const state = await advance(before);
    if (state === before) return state;
    try {
      if (secret)
        await kube.request("PUT", path, {
          signal,
          body: { ...secret, data: dataOf(state, secret) },
        });
      else
        await kube.request("POST", collection, {
          signal,
          body: {
            apiVersion: "v1",
            kind: "Secret",
            metadata: {
              name,
              namespace,
              labels: { "app.kubernetes.io/part-of": "outrigger" },
            },
            type: "Opaque",
            data: dataOf(state),
          },
        });
      return state;
    } catch (reason) {
      const isLost = reason instanceof KubeError && (reason.code === 409 || reason.code === 404);
      if (!isLost || tries >= mostTries) throw reason;
    }
  }
}

async function readSecret(
  kube: KubeClient,
  path: string,
  signal: AbortSignal,
): Promise<Secret | undefined> {
  try {
    return await kube.request<Secret>("GET", path, { signal });
  } catch (reason) {
    if (reason instanceof KubeError && reason.code === 404) return undefined;
    throw reason;
  }
}

/** `undefined` for a Secret that is empty (a chart may make it so), or that somebody has spoilt. */
function readState(data: Secret["data"]): CertificateState | undefined {
  if (!isRecord(data)) return undefined;
  const text = (key: string): string => {
    const value = data[key];
    return typeof value === "string" ? Buffer.from(value, "base64").toString("utf8") : "";
  };
  const pair = (name: string): KeyPair => ({
    certificate: text(`${name}.crt`),
    privateKey: text(`${name}.key`),
  });
  try {
    const issuer = pair("issuer");
    const serving = pair("tls");
    checkPair(issuer);
    checkPair(serving);
    const trusted = splitPem(text("ca.crt"));
    trusted.forEach(endOf);
    if (text("next.crt") === "") return { issuer, serving, trusted };
    const next = { ...pair("next"), since: Number(text("next.since")) };
    checkPair(next);
    if (!Number.isFinite(next.since) || !trusted.includes(next.certificate))
      return { issuer, serving, trusted };
    return { issuer, serving, trusted, next };
  } catch {
    return undefined;
  }
}

function dataOf(state: CertificateState, secret?: Secret): Readonly<Record<string, string>> {
  const { issuer, serving, trusted, next } = state;
  const texts = {
    "ca.crt": trusted.join(""),
    "issuer.crt": issuer.certificate,
    "issuer.key": issuer.privateKey,
    "tls.crt": serving.certificate,
    "tls.key": serving.privateKey,
    "next.crt": next?.certificate ?? "",
    "next.key": next?.privateKey ?? "",
    "next.since": next ? String(next.since) : "",
  };
  return {
    ...secret?.data,
    ...Object.fromEntries(
      Object.entries(texts).map(([key, text]) => [key, Buffer.from(text).toString("base64")]),
    ),
  };
}
