import { defineComponent, type Manifest } from "#core/ports/manifest.ts";

export const names: Manifest<"nameresolution"> = defineComponent({
  kind: "nameresolution",
  type: "nameresolution.static",
  version: "v1",
  targets: ["node"],
  about: "Finds apps in a fixed table of addresses.",
  options: {
    hosts: {
      type: "string",
      required: true,
      about:
        'Mapping from app ids (or appid.namespace) to host:port of the internal port of the runtime, for example {"cart": "10.0.0.5:50002"}.',
    },
  },
  open: async (spec) => (await import("./name-resolver.ts")).open(spec),
});
