import { defineComponent, type Manifest } from "#core/ports/manifest.ts";

export const middleware: Manifest<"middleware.http"> = defineComponent({
  kind: "middleware.http",
  type: "middleware.http.oauth2clientcredentials",
  version: "v1",
  targets: ["node", "workers", "azure-functions"],
  about: "Fetches an access token with client credentials and adds it to requests.",
  options: {
    clientID: { type: "string", required: true, about: "Client id." },
    clientSecret: {
      type: "string",
      required: true,
      sensitive: true,
      about: "Client secret.",
    },
    scopes: { type: "string", required: true, about: "Scopes to request, separated by commas." },
    tokenURL: { type: "string", required: true, about: "URL of the token endpoint." },
    headerName: {
      type: "string",
      required: true,
      about: "Header that contains the access token, and replaces the same header of the caller.",
    },
    endpointParamsQuery: {
      type: "string",
      about: "Additional parameters for the token endpoint, as a query string (a=1&b=2).",
    },
    authStyle: {
      type: "number",
      default: "0",
      about:
        "How id and secret are sent: 1 for the body, 2 for Basic authorization, 0 to detect it.",
    },
    pathFilter: {
      type: "string",
      about:
        "Regular expression for the paths that the middleware applies to; other requests pass unchanged.",
    },
  },
  open: async (spec, host) => (await import("./middleware.ts")).open(spec, host),
});
