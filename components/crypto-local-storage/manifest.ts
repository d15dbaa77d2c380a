import { defineComponent, type Manifest } from "#core/ports/manifest.ts";

export const keys: Manifest<"crypto"> = defineComponent({
  kind: "crypto",
  type: "crypto.dapr.localstorage",
  version: "v1",
  targets: ["node", "azure-functions"],
  about: "Uses keys from the files of a directory, each named after its key.",
  options: {
    path: {
      type: "string",
      required: true,
      about:
        "Directory with the keys as PEM, as a JWK, or as the bytes of a symmetric key, each at most 1 MiB.",
    },
  },
  open: async (spec) => (await import("./crypto-provider.ts")).open(spec),
});
