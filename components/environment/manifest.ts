import { defineComponent, type Manifest } from "#core/ports/manifest.ts";

export const secrets: Manifest<"secretstores"> = defineComponent({
  kind: "secretstores",
  type: "secretstores.local.env",
  version: "v1",
  targets: ["node", "workers", "azure-functions"],
  about:
    "Reads secrets from the runtime's environment, its own tokens and DAPR_ variables left out.",
  options: {
    prefix: {
      type: "string",
      about: "Put before a secret's name to get the variable's name; listed names come without it.",
    },
  },
  open: async (spec, host) => (await import("./secret-store.ts")).open(spec, host),
});
