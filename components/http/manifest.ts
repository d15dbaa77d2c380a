import { defineComponent, type Manifest } from "#core/ports/manifest.ts";
import { options } from "./options.ts";

export const output: Manifest<"bindings.output"> = defineComponent({
  kind: "bindings.output",
  type: "bindings.http",
  version: "v1",
  targets: ["node", "workers", "azure-functions"],
  about: "Sends requests to an HTTP address.",
  options,
  open: async (spec, host) => (await import("./output-binding.ts")).open(spec, host),
});
