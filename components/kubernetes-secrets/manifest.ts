import { defineComponent, type Manifest } from "#core/ports/manifest.ts";

export const secrets: Manifest<"secretstores"> = defineComponent({
  kind: "secretstores",
  type: "secretstores.kubernetes",
  version: "v1",
  targets: ["node"],
  about:
    "Reads Secrets in the app's own namespace from the Kubernetes API, one at a time, by name.",
  options: {
    defaultNamespace: {
      type: "string",
      about:
        "Namespace of the Secrets if the runtime has none (NAMESPACE is not set); if it has one, both must be the same.",
    },
    kubeconfigPath: {
      type: "string",
      about:
        "Path of a kubeconfig for a runtime outside of a cluster; if not set, KUBECONFIG or the Pod's service account.",
    },
  },
  open: async (spec, host) => (await import("./secret-store.ts")).open(spec, host),
});
