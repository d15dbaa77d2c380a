import { defineComponent, type Manifest } from "#core/ports/manifest.ts";

export const middleware: Manifest<"middleware.http"> = defineComponent({
  kind: "middleware.http",
  type: "middleware.http.bearer",
  version: "v1",
  targets: ["node", "workers", "azure-functions"],
  about: "Accepts only requests with a valid JWT of one issuer as their bearer token.",
  options: {
    issuer: { type: "string", about: "Issuer of the tokens, compared verbatim; required." },
    issuerURL: { type: "string", about: "Alias of issuer." },
    audience: {
      type: "string",
      about: "Audience of the tokens, usually a client id; required.",
    },
    clientID: { type: "string", about: "Alias of audience." },
    jwksURL: {
      type: "string",
      about:
        "URL of the issuer's keys; if not set, the one in <issuer>/.well-known/openid-configuration.",
    },
  },
  open: async (spec, host) => (await import("./middleware.ts")).open(spec, host),
});
