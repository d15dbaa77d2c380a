import { defineComponent, type Manifest } from "#core/ports/manifest.ts";

export const middleware: Manifest<"middleware.http"> = defineComponent({
  kind: "middleware.http",
  type: "middleware.http.oauth2",
  version: "v1",
  targets: ["node", "workers", "azure-functions"],
  about:
    "Redirects browsers to an OAuth 2 provider to log in, keeps the session in an encrypted cookie, and passes on the access token.",
  options: {
    clientID: { type: "string", required: true, about: "Client id." },
    clientSecret: {
      type: "string",
      required: true,
      sensitive: true,
      about: "Client secret, from which the key of the cookie is derived.",
    },
    authURL: {
      type: "string",
      required: true,
      about: "URL of the authorization endpoint, where users log in.",
    },
    tokenURL: { type: "string", required: true, about: "URL of the token endpoint." },
    scopes: { type: "string", about: "Scopes to request, separated by commas." },
    redirectURL: {
      type: "string",
      about: "URL of this API that the provider redirects users to after they have logged in.",
    },
    authHeaderName: {
      type: "string",
      default: "Authorization",
      about: "Header that contains the access token, and replaces the same header of the caller.",
    },
    forceHTTPS: {
      type: "boolean",
      default: "false",
      about: "Whether users are redirected to https URLs and the cookie is marked as secure.",
    },
    pathFilter: {
      type: "string",
      about:
        "Regular expression for the paths that the middleware applies to; other requests pass unchanged.",
    },
  },
  open: async (spec, host) => (await import("./middleware.ts")).open(spec, host),
});
