import { type Cluster, names, type WebhookConfiguration } from "./cluster.ts";
import {
  base64,
  type Certificates,
  certificatesOf,
  checkDeployment,
  checkTime,
} from "./check-parts.ts";
import { count, type Finding, note, ok, problem, unknown } from "./finding.ts";

/** On a webhook whose certificate is cert-manager's. */
const byCertManager = "cert-manager.io/inject-ca-from";

/** The injector's pods, its certificate, the webhook that names it, and Dapr's beside it. */
export function checkInjector(cluster: Cluster): readonly Finding[] {
  return [
    checkDeployment(cluster, names.injector, "injector.deployment"),
    ...checkEndpoints(cluster),
    ...checkWebhook(cluster),
    ...checkDapr(cluster),
  ];
}

function checkEndpoints({ endpoints, namespace }: Cluster): readonly Finding[] {
  const check = "injector.endpoints";
  if (endpoints.is === "unknown") return [unknown(check, endpoints.why)];
  const ready = (endpoints.is === "there" ? endpoints.value : [])
    .flatMap((slice) => slice.endpoints ?? [])
    .filter(({ conditions }) => conditions?.ready !== false).length;
  return ready > 0
    ? [ok(check, `Service ${names.injector} has ${count(ready, "ready endpoint")}`)]
    : [
        problem(
          check,
          `Service ${names.injector} has no ready endpoint: annotated pods cannot be made`,
          `kubectl -n ${namespace} get pods,endpointslices`,
        ),
      ];
}

function checkWebhook(cluster: Cluster): readonly Finding[] {
  const check = "injector.webhook";
  const { webhooks, namespace } = cluster;
  if (webhooks.is === "unknown") return [unknown(check, webhooks.why)];
  // Several releases may be there, each for namespaces of its own: whose it is says the Service.
  const isOurs = ({ metadata, webhooks: all = [] }: WebhookConfiguration): boolean =>
    all.some(({ clientConfig: { service } = {} }) =>
      service === undefined
        ? metadata.name === names.webhook
        : service.name === names.injector && service.namespace === namespace,
    );
  const found = webhooks.is === "there" && webhooks.value.find(isOurs);
  if (!found)
    return [
      problem(
        check,
        `no MutatingWebhookConfiguration ${names.webhook}: annotated pods get nothing`,
        "install the chart again (helm upgrade)",
      ),
    ];
  const bundles = (found.webhooks ?? []).map(({ clientConfig }) => clientConfig?.caBundle ?? "");
  if (bundles.includes(""))
    return [
      problem(
        check,
        `MutatingWebhookConfiguration ${found.metadata.name} has no caBundle: the API server trusts no injector`,
        `the injector writes it at its start; kubectl -n ${namespace} logs deployment/${names.injector}`,
      ),
    ];
  return [ok(check, "the webhook is registered"), ...checkCertificate(cluster, found, bundles)];
}

function checkCertificate(
  { certificate, now, namespace }: Cluster,
  { metadata }: WebhookConfiguration,
  bundles: readonly string[],
): readonly Finding[] {
  const check = "injector.certificate";
  if (certificate.is === "unknown") return [unknown(check, certificate.why)];
  if (certificate.is === "absent")
    return [
      metadata.annotations?.[byCertManager] === undefined
        ? problem(
            check,
            `no Secret ${names.certificate}: the injector's certificate is not kept, and annotated pods are refused once it ends`,
            "install the chart again (helm upgrade): it brings the Secret, and the injector fills it",
          )
        : note(check, `no Secret ${names.certificate}: the certificate comes from elsewhere`),
    ];
  const restart = `kubectl -n ${namespace} rollout restart deployment/${names.injector}`;
  let chain: Certificates;
  let roots: readonly Certificates[];
  try {
    chain = certificatesOf(base64(certificate.value.data?.["tls.crt"] ?? ""));
    roots = bundles.map((bundle) => certificatesOf(base64(bundle)));
  } catch {
    return [
      problem(
        check,
        `Secret ${names.certificate} or the webhook's caBundle holds no certificate`,
        restart,
      ),
    ];
  }
  const [leaf] = chain;
  const isTrusted = roots.every((bundle) =>
    bundle.some((root) =>
      chain.some(
        (each) => each.fingerprint256 === root.fingerprint256 || each.verify(root.publicKey),
      ),
    ),
  );
  return [
    checkTime(check, "the injector's certificate", leaf, now, restart),
    ...(isTrusted
      ? []
      : [
          problem(
            "injector.caBundle",
            "the webhook's caBundle does not belong to the CA that issued the injector's certificate: every annotated pod is refused",
            restart,
          ),
        ]),
  ];
}

function checkDapr({ webhooks }: Cluster): readonly Finding[] {
  const dapr =
    webhooks.is === "there" &&
    webhooks.value.find(({ metadata }) => metadata.name === "dapr-sidecar-injector");
  if (!dapr) return [];
  return [
    problem(
      "injector.dapr",
      "Dapr's own injector is installed as well as this one: both act on the same annotations",
      "take one of them away: helm uninstall dapr, or kubectl delete mutatingwebhookconfiguration dapr-sidecar-injector",
    ),
  ];
}
