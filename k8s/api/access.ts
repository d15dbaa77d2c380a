/** Where an API server is, and who we are there. */
export interface ClusterAccess {
  /** `https://host:port`, perhaps with a path before that of the API; `http:` of this machine only. */
  readonly server: string;
  /** The namespace that is ours: of the pod, or of the context. */
  readonly namespace: string;
  /**
   * What to show now; asked for before each request, so cheap. `refused` was answered 401: gives others if there
   * are any. Rejects with a message that says which file or program is wrong.
   */
  credentials(refused?: Credentials): Promise<Credentials>;
}

/** How a connection is made and what it shows. The same object for as long as nothing changed. */
export interface Credentials {
  /** PEM; absent: the authorities of the system. */
  readonly ca?: string;
  /** The name in the server's certificate, where it is not the one of the address. */
  readonly serverName?: string;
  /** The server's certificate is not checked. */
  readonly isInsecure?: boolean;
  readonly token?: string;
  /** Of the client; PEM, only both together. */
  readonly certificate?: string;
  readonly privateKey?: string;
}

/** Access that never changes. */
export function fixedAccess(
  server: string,
  credentials: Credentials = {},
  namespace = "default",
): ClusterAccess {
  return { server, namespace, credentials: async () => credentials };
}

export interface FindOptions {
  /** Path of a kubeconfig. */
  readonly kubeconfig?: string | undefined;
  readonly context?: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
}
/**
 * The cluster that is meant: a kubeconfig that was named (option, then `KUBECONFIG`), the cluster that this pod is
 * in, `~/.kube/config`. Throws where there is none of these, or it cannot be used.
 */
export async function findAccess(options: FindOptions): Promise<ClusterAccess> {
  const { env, context } = options;
  const isInCluster = env["KUBERNETES_SERVICE_HOST"] !== undefined;
  const named = options.kubeconfig ?? (env["KUBECONFIG"] || undefined);
  if (named === undefined && isInCluster && context === undefined) {
    const { inClusterAccess } = await import("./credentials.ts");
    return inClusterAccess({ env });
  }
  // Loaded only here: a YAML parser is heavy for a process that lives in the cluster.
  const { kubeconfigAccess } = await import("./kubeconfig.ts");
  return kubeconfigAccess({ path: options.kubeconfig, context, env });
}
