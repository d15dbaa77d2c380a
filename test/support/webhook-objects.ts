import type { KubeObject } from "#k8s/api/objects.ts";
import type { KubeApiDouble } from "#test/doubles/kube-api.ts";

export const places = {
  webhookName: "outrigger-injector",
  serviceName: "outrigger-injector",
  namespace: "outrigger-system",
} as const;
export const secretPath = "/api/v1/namespaces/outrigger-system/secrets/outrigger-injector-cert";
export const webhookPath =
  "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/outrigger-injector";
export const crdPath =
  "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/subscriptions.dapr.io";

const service = { name: "outrigger-injector", namespace: "outrigger-system", port: 443 };

export interface WebhookConfiguration extends KubeObject {
  readonly webhooks: ReadonlyArray<{
    readonly name: string;
    readonly clientConfig: { readonly caBundle?: string };
  }>;
}
export interface Crd extends KubeObject {
  readonly spec: {
    readonly conversion: {
      readonly webhook?: { readonly clientConfig: { readonly caBundle?: string } };
    };
  };
}

/** What a chart installs, as far as the injector changes it. */
export function putWebhookObjects(api: KubeApiDouble): void {
  api.put<KubeObject>({
    apiVersion: "admissionregistration.k8s.io/v1",
    kind: "MutatingWebhookConfiguration",
    metadata: { name: "outrigger-injector" },
    webhooks: [
      { name: "pods.outrigger.dev", clientConfig: { service: { ...service, path: "/mutate" } } },
      { name: "other.example", clientConfig: { service: { name: "other", namespace: "x" } } },
    ],
  } as KubeObject);
  api.put<KubeObject>({
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: "subscriptions.dapr.io" },
    spec: {
      group: "dapr.io",
      conversion: {
        strategy: "Webhook",
        webhook: {
          conversionReviewVersions: ["v1"],
          clientConfig: { service: { ...service, path: "/convert" } },
        },
      },
    },
  } as KubeObject);
}

/** The PEM that the API server trusts of the webhook. */
export function bundleOf(api: KubeApiDouble): string {
  const { webhooks = [] } = api.get<WebhookConfiguration>(webhookPath) ?? {};
  return atob(webhooks[0]?.clientConfig.caBundle ?? "");
}
