import { findAccess } from "#k8s/api/access.ts";
import { openClient } from "#k8s/api/open-client.ts";
import { readSecret } from "#k8s/api/secrets.ts";
import type { SecretReader } from "./reader.ts";

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
      const data = await readSecret(client, namespace, name, { signal });
      return data && bytesOf(data);
    },
    [Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
  };
}

function bytesOf(data: Readonly<Record<string, string>>): Readonly<Record<string, Uint8Array>> {
  return Object.fromEntries(
    Object.entries(data).map(([key, text]) => [key, Buffer.from(text, "base64")]),
  );
}
