import { defineComponent, type Manifest } from "#core/ports/manifest.ts";

export const names: Manifest<"nameresolution"> = defineComponent({
  kind: "nameresolution",
  type: "nameresolution.mdns",
  version: "v1",
  targets: ["node"],
  about:
    "Finds apps on the same network through multicast DNS, as Dapr's sidecars do, without a server.",
  options: {},
  open: async (_spec, host) => (await import("./name-resolver.ts")).open(host),
});
