import { defineComponent, type Manifest } from "#core/ports/manifest.ts";

export const secrets: Manifest<"secretstores"> = defineComponent({
  kind: "secretstores",
  type: "secretstores.kubernetes",
  version: "v1",
  targets: ["node"],
  about: "Reads Secrets of the app's own namespace from the Kubernetes API, one by one by name.",
  options: {
    defaultNamespace: {
      type: "string",
      about: "Namespace of a runtime that has none (NAMESPACE is not set); any other is refused.",
    },
    kubeconfigPath: {
      type: "string",
      about:
        "Path of a kubeconfig, for a runtime outside of a cluster; absent: KUBECONFIG, then the Pod's service account.",
    },
  },
  open: async (spec, host) => (await import("./secret-store.ts")).open(spec, host),
});
