import { defineComponent, type Manifest } from "#core/ports/manifest.ts";

export const state: Manifest<"state"> = defineComponent({
  kind: "state",
  type: "state.cloudflare.durableobjects",
  version: "v1",
  targets: ["workers"],
  about:
    "Keeps state in the SQLite database of a Cloudflare Durable Object, one object per component.",
  options: {
    binding: {
      type: "string",
      default: "STATE",
      about: "Name of the Durable Object binding of the Worker, whose class is StateObject.",
    },
  },
  open: async (spec, host) => (await import("./state-store.ts")).open(spec, host),
});
