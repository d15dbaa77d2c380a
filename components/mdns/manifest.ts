import { defineComponent, type Manifest } from "#core/ports/manifest.ts";

export const names: Manifest<"nameresolution"> = defineComponent({
  kind: "nameresolution",
  type: "nameresolution.mdns",
  version: "v1",
  targets: ["node"],
  about:
    "Finds apps on the same network by multicast DNS, as Dapr's sidecars do; no server needed.",
  options: {},
  open: async (_spec, host) => (await import("./name-resolver.ts")).open(host),
});
