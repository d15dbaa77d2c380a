import { defineComponent, type Manifest } from "#core/ports/manifest.ts";

export const middleware: Manifest<"middleware.http"> = defineComponent({
  kind: "middleware.http",
  type: "middleware.http.bearer",
  version: "v1",
  targets: ["node", "workers", "azure-functions"],
  about: "Lets only requests through that carry a valid JWT of one issuer as their bearer token.",
  options: {
    issuer: { type: "string", about: "Who signs the tokens; required. Compared as it stands." },
    issuerURL: { type: "string", about: "Another name of issuer." },
    audience: {
      type: "string",
      about: "For whom the tokens must be meant, usually a client id; required.",
    },
    clientID: { type: "string", about: "Another name of audience." },
    jwksURL: {
      type: "string",
      about:
        "Address of the issuer's keys; when absent, that in <issuer>/.well-known/openid-configuration.",
    },
  },
  open: async (spec, host) => (await import("./middleware.ts")).open(spec, host),
});
