import { defineComponent, type Manifest } from "#core/ports/manifest.ts";

export const output: Manifest<"bindings.output"> = defineComponent({
  kind: "bindings.output",
  type: "bindings.localstorage",
  version: "v1",
  targets: ["node"],
  about: "Stores files below a directory, each of which is on disk before it is acknowledged.",
  options: {
    rootPath: {
      type: "string",
      required: true,
      about:
        "Directory for the files, which is created if it does not exist; files outside of it cannot be reached.",
    },
  },
  open: async (spec) => (await import("./output-binding.ts")).open(spec),
});
