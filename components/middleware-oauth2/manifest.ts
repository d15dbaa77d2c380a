import { defineComponent, type Manifest } from "#core/ports/manifest.ts";

export const middleware: Manifest<"middleware.http"> = defineComponent({
  kind: "middleware.http",
  type: "middleware.http.oauth2",
  version: "v1",
  targets: ["node", "workers", "azure-functions"],
  about:
    "Sends browsers to log in with an OAuth 2 provider, and passes their access token on. The session is an encrypted cookie.",
  options: {
    clientID: { type: "string", required: true, about: "Id of the client." },
    clientSecret: {
      type: "string",
      required: true,
      sensitive: true,
      about: "Secret of the client; the cookie's key comes from it.",
    },
    authURL: { type: "string", required: true, about: "Address where users log in." },
    tokenURL: { type: "string", required: true, about: "Address of the token endpoint." },
    scopes: { type: "string", about: "Scopes to ask for, separated by commas." },
    redirectURL: {
      type: "string",
      about: "Where the provider sends users back to: an address of this API.",
    },
    authHeaderName: {
      type: "string",
      default: "Authorization",
      about: "Header that carries the token; one that the caller sent is replaced.",
    },
    forceHTTPS: {
      type: "boolean",
      default: "false",
      about: "Sends users back by https, and marks the cookie as secure.",
    },
    pathFilter: {
      type: "string",
      about: "Regular expression; requests for other paths pass untouched.",
    },
  },
  open: async (spec, host) => (await import("./middleware.ts")).open(spec, host),
});
