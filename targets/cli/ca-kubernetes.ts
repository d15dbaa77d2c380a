import type { Log } from "#core/ports/platform.ts";
import type { KubeClient } from "#k8s/api/client.ts";
import type { AuthorityStore } from "#targets/ca/authority.ts";
import type { Validator } from "#targets/ca/validators.ts";

export interface ClusterFlags {
  /** Trust domain of the CA. */
  readonly trustDomain: string;
  readonly namespace: string;
  /** Accepted audiences of tokens, in addition to the CA's own SPIFFE id. */
  readonly tokenAudiences: readonly string[];
  /** `namespace/name`; empty texts are left out. */
  readonly nodeServiceAccounts: readonly string[];
  /** `namespace/name=ns1,ns2` or `namespace/name=*`. */
  readonly sharedServiceAccounts: readonly string[];
}

/** Opens the cluster that the process runs in, or that a kubeconfig names. */
export async function openCluster(
  kubeconfig: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<KubeClient> {
  const { findAccess } = await import("#k8s/api/access.ts");
  const { openClient } = await import("#k8s/api/open-client.ts");
  return openClient(await findAccess({ kubeconfig: kubeconfig || undefined, env }));
}

export async function storeIn(
  kube: KubeClient,
  { namespace, trustDomain }: ClusterFlags,
  log: Log,
): Promise<AuthorityStore> {
  const { clusterStore } = await import("#targets/ca/cluster-store.ts");
  return clusterStore({ kube, namespace, trustDomain, log });
}

/** Throws if a flag is invalid. */
export async function validatorIn(kube: KubeClient, flags: ClusterFlags): Promise<Validator> {
  const { createCertificateRules } = await import("#k8s/identity/certificate-rules.ts");
  const { parseAccount, parseSharedAccount } = await import("#k8s/identity/service-account.ts");
  const { kubernetes } = await import("#targets/ca/validators.ts");
  const { clock } = await import("#targets/node/clock.ts");
  const { trustDomain, namespace } = flags;
  return kubernetes(
    createCertificateRules({
      kube,
      clock,
      // The audience that Dapr's clients request.
      audiences: [`spiffe://${trustDomain}/ns/${namespace}/dapr-sentry`, ...flags.tokenAudiences],
      controlPlaneNamespace: namespace,
      nodeAccounts: flags.nodeServiceAccounts
        .filter((text) => text !== "")
        .map((text) => parseAccount(text, "node-service-account")),
      sharedAccounts: flags.sharedServiceAccounts.map((text) =>
        parseSharedAccount(text, "shared-service-account"),
      ),
    }),
  );
}
