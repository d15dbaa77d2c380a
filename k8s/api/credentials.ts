import { join } from "node:path";
import type { ClusterAccess, Credentials } from "./access.ts";
import { readText } from "./read-file.ts";

export interface InClusterOptions {
  /** `KUBERNETES_SERVICE_HOST` and `KUBERNETES_SERVICE_PORT`. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Where `token`, `ca.crt` and `namespace` are. */
  readonly folder?: string;
  /** How long what was read counts, in milliseconds; default 10 s. The kubelet renews a token at 80% of its life. */
  readonly freshMs?: number;
  now?(): number;
}
const serviceAccount = "/var/run/secrets/kubernetes.io/serviceaccount";
const mostBytes = 262_144;

/** The cluster that this pod runs in, as its service account. Throws where this is not a pod. */
export async function inClusterAccess(options: InClusterOptions): Promise<ClusterAccess> {
  const { folder = serviceAccount, freshMs = 10_000, now = Date.now } = options;
  const host = options.env["KUBERNETES_SERVICE_HOST"];
  const port = options.env["KUBERNETES_SERVICE_PORT"];
  if (!host || !port)
    throw new Error(
      "This is not a pod of a cluster: KUBERNETES_SERVICE_HOST or KUBERNETES_SERVICE_PORT is not set",
    );
  const read = async (): Promise<Credentials> => {
    const [token, ca] = await Promise.all([
      readText(join(folder, "token"), mostBytes),
      readText(join(folder, "ca.crt"), mostBytes),
    ]);
    if (token.trim() === "") throw new Error(`${join(folder, "token")} is empty`);
    return { token: token.trim(), ca };
  };
  const namespace = await readText(join(folder, "namespace"), 1024).catch(() => "default");
  return {
    server: `https://${host.includes(":") && !host.startsWith("[") ? `[${host}]` : host}:${port}`,
    namespace: namespace.trim() || "default",
    credentials: reread(await read(), read, freshMs, now),
  };
}

/**
 * Reads anew what is older than `freshMs`, or was refused. What cannot be read leaves what is known: files are
 * away for a moment while they are replaced.
 */
export function reread(
  first: Credentials,
  read: () => Promise<Credentials>,
  freshMs: number,
  now: () => number,
): (refused?: Credentials) => Promise<Credentials> {
  let known = first;
  let readAt = now();
  let reading: Promise<Credentials> | undefined;
  return async (refused) => {
    if (refused !== known && now() - readAt < freshMs) return known;
    reading ??= read()
      .then((found) => {
        if (!isSame(known, found)) known = found;
        return known;
      })
      .catch(() => known)
      .finally(() => {
        readAt = now();
        reading = undefined;
      });
    return reading;
  };
}

export function isSame(one: Credentials, other: Credentials): boolean {
  return (
    one.token === other.token &&
    one.ca === other.ca &&
    one.certificate === other.certificate &&
    one.privateKey === other.privateKey
  );
}
