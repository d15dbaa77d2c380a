import { defineComponent, type Manifest } from "#core/ports/manifest.ts";

export const names: Manifest<"nameresolution"> = defineComponent({
  kind: "nameresolution",
  type: "nameresolution.kubernetes",
  version: "v1",
  targets: ["node"],
  about: "Finds apps by the Kubernetes service <app id>-dapr in their namespace.",
  options: {
    clusterDomain: { type: "string", default: "cluster.local", about: "Domain of the cluster." },
    template: {
      type: "string",
      about: "Address in Dapr's words: {{.ID}}, {{.Namespace}} and {{.Port}} are filled in.",
    },
  },
  open: async (spec) => (await import("./name-resolver.ts")).open(spec),
});
