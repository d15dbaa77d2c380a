import { defineComponent, type Manifest } from "#core/ports/manifest.ts";

export const keys: Manifest<"crypto"> = defineComponent({
  kind: "crypto",
  type: "crypto.dapr.localstorage",
  version: "v1",
  targets: ["node", "azure-functions"],
  about: "Uses keys that are files of a directory, each named by its key.",
  options: {
    path: {
      type: "string",
      required: true,
      about:
        "Directory of the keys: PEM, a JWK, or the bytes of a symmetric key, 1 MiB at most each.",
    },
  },
  open: async (spec) => (await import("./crypto-provider.ts")).open(spec),
});
