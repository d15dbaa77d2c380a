import { defineComponent, type Manifest } from "#core/ports/manifest.ts";

export const secrets: Manifest<"secretstores"> = defineComponent({
  kind: "secretstores",
  type: "secretstores.local.file",
  version: "v1",
  targets: ["node", "azure-functions"],
  about: "Reads secrets from a JSON file once, when the component starts.",
  options: {
    secretsFile: {
      type: "string",
      required: true,
      about: "Path of the JSON file (at most 16 MiB), relative to the working directory.",
    },
    nestedSeparator: {
      type: "string",
      default: ":",
      about:
        "Separator between the names of nested objects, and before the positions of list items.",
    },
    multiValued: {
      type: "boolean",
      default: "false",
      about:
        "Whether each top-level object is one secret with several values; otherwise, each value is a secret.",
    },
  },
  open: async (spec, host) => (await import("./secret-store.ts")).open(spec, host),
});
