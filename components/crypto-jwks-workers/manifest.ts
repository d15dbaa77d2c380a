import { jwksOptions } from "#components/_shared/jwks/options.ts";
import { defineComponent, type Manifest } from "#core/ports/manifest.ts";

export const keys: Manifest<"crypto"> = defineComponent({
  kind: "crypto",
  type: "crypto.dapr.jwks",
  version: "v1",
  targets: ["workers"],
  about: "Uses the keys of a JSON Web Key Set by their ids (kid); the set is inline or at a URL.",
  options: jwksOptions,
  open: async (spec, host) => (await import("./crypto-provider.ts")).open(spec, host),
});
