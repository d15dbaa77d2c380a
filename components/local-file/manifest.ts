import { defineComponent, type Manifest } from "#core/ports/manifest.ts";

export const secrets: Manifest<"secretstores"> = defineComponent({
  kind: "secretstores",
  type: "secretstores.local.file",
  version: "v1",
  targets: ["node", "azure-functions"],
  about: "Reads secrets from a JSON file, once, at the start.",
  options: {
    secretsFile: {
      type: "string",
      required: true,
      about: "Path of the JSON file, 16 MiB at most; relative to the working directory.",
    },
    nestedSeparator: {
      type: "string",
      default: ":",
      about: "Stands between the names of nested objects, and before the positions of lists.",
    },
    multiValued: {
      type: "boolean",
      default: "false",
      about:
        "Makes each top-level object one secret with several values, where otherwise each value is a secret.",
    },
  },
  open: async (spec, host) => (await import("./secret-store.ts")).open(spec, host),
});
