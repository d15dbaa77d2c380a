import { type KubeClient, KubeError, type RequestOptions } from "./client.ts";

/** A Secret has 1 MiB at most; base64 and the rest of the object come on top. */
const mostBytes = 4 * 1024 * 1024;

/** One Secret by name: its values as base64; `undefined` where there is none. Rejects with a `KubeError` for all else. */
export async function readSecret(
  client: KubeClient,
  namespace: string,
  name: string,
  limits: Pick<RequestOptions, "signal" | "timeoutMs">,
): Promise<Readonly<Record<string, string>> | undefined> {
  const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/secrets/${encodeURIComponent(name)}`;
  try {
    const { data } = await client.request<{ readonly data?: Readonly<Record<string, string>> }>(
      "GET",
      path,
      { ...limits, maxBytes: mostBytes },
    );
    return data ?? {};
  } catch (reason) {
    if (reason instanceof KubeError && reason.code === 404) return undefined;
    throw reason;
  }
}
