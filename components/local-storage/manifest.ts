import { defineComponent, type Manifest } from "#core/ports/manifest.ts";

export const output: Manifest<"bindings.output"> = defineComponent({
  kind: "bindings.output",
  type: "bindings.localstorage",
  version: "v1",
  targets: ["node"],
  about: "Keeps files below one directory; a file is on disk before it is acknowledged.",
  options: {
    rootPath: {
      type: "string",
      required: true,
      about:
        "Directory that holds the files; made when it is not there. No file outside it can be reached.",
    },
  },
  open: async (spec) => (await import("./output-binding.ts")).open(spec),
});
