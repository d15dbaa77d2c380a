import { findAccess } from "#k8s/api/access.ts";
import { KubeError } from "#k8s/api/client.ts";
import { openClient } from "#k8s/api/open-client.ts";
import type { SecretReader } from "./reader.ts";

/** A Secret has 1 MiB at most; base64 and the rest of the object come on top. */
const mostBytes = 4 * 1024 * 1024;

/**
 * A reader with a connection of its own: as the service account of the pod that this is, or as a kubeconfig says.
 * Rejects where neither is there.
 */
export async function openReader(options: {
  readonly kubeconfigPath: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
}): Promise<SecretReader & AsyncDisposable> {
  const client = openClient(
    await findAccess({ kubeconfig: options.kubeconfigPath, env: options.env }),
  );
  return {
    get: async (namespace, name, { signal }) => {
      const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/secrets/${encodeURIComponent(name)}`;
      try {
        const { data } = await client.request<{ readonly data?: Readonly<Record<string, string>> }>(
          "GET",
          path,
          { signal, maxBytes: mostBytes },
        );
        return bytesOf(data ?? {});
      } catch (reason) {
        if (reason instanceof KubeError && reason.code === 404) return undefined;
        throw reason;
      }
    },
    [Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
  };
}

function bytesOf(data: Readonly<Record<string, string>>): Readonly<Record<string, Uint8Array>> {
  return Object.fromEntries(
    Object.entries(data).map(([key, text]) => [key, Buffer.from(text, "base64")]),
  );
}
