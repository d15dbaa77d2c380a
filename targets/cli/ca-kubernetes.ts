import type { Log } from "#core/ports/platform.ts";
import type { KubeClient } from "#k8s/api/client.ts";
import type { AuthorityStore } from "#targets/ca/authority.ts";
import type { Validator } from "#targets/ca/validators.ts";

export interface ClusterFlags {
  /** Of the authority. */
  readonly trustDomain: string;
  readonly namespace: string;
  /** What tokens must be for, beside the authority's own SPIFFE id. */
  readonly tokenAudiences: readonly string[];
  /** `namespace/name`; empty texts are left out. */
  readonly nodeServiceAccounts: readonly string[];
  /** `namespace/name=ns1,ns2` or `namespace/name=*`. */
  readonly sharedServiceAccounts: readonly string[];
}

/** The cluster that the process is in, or that a kubeconfig names. */
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

/** Throws for a flag that cannot be read. */
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
      // As Dapr's clients ask for it.
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
