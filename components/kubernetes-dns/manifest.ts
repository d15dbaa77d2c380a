import { defineComponent, type Manifest } from "#core/ports/manifest.ts";

export const names: Manifest<"nameresolution"> = defineComponent({
  kind: "nameresolution",
  type: "nameresolution.kubernetes",
  version: "v1",
  targets: ["node"],
  about: "Finds apps through the Kubernetes Service <app id>-dapr in their namespace.",
  options: {
    clusterDomain: {
      type: "string",
      default: "cluster.local",
      about: "DNS domain of the cluster.",
    },
    template: {
      type: "string",
      about:
        "Template of the address, in Dapr's syntax with {{.ID}}, {{.Namespace}} and {{.Port}}.",
    },
  },
  open: async (spec) => (await import("./name-resolver.ts")).open(spec),
});
