import { defineComponent, type Manifest } from "#core/ports/manifest.ts";

export const secrets: Manifest<"secretstores"> = defineComponent({
  kind: "secretstores",
  type: "secretstores.local.env",
  version: "v1",
  targets: ["node", "workers", "azure-functions"],
  about:
    "Reads secrets from the runtime's environment variables, except its own tokens and DAPR_ variables.",
  options: {
    prefix: {
      type: "string",
      about: "Prefix of the variable names, which the names of the secrets do not include.",
    },
  },
  open: async (spec, host) => (await import("./secret-store.ts")).open(spec, host),
});
