import { jwksOptions } from "#components/_shared/jwks/options.ts";
import { defineComponent, type Manifest } from "#core/ports/manifest.ts";

export const keys: Manifest<"crypto"> = defineComponent({
  kind: "crypto",
  type: "crypto.dapr.jwks",
  version: "v1",
  targets: ["node", "azure-functions"],
  about:
    "Uses the keys of a JSON Web Key Set by their ids (kid); the set is inline, at a URL or in a file.",
  options: jwksOptions,
  open: async (spec, host) => (await import("./crypto-provider.ts")).open(spec, host),
});
