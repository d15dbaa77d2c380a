import { defineComponent, type Manifest } from "#core/ports/manifest.ts";

export const middleware: Manifest<"middleware.http"> = defineComponent({
  kind: "middleware.http",
  type: "middleware.http.oauth2clientcredentials",
  version: "v1",
  targets: ["node", "workers", "azure-functions"],
  about: "Sends an access token along that it fetches with client credentials.",
  options: {
    clientID: { type: "string", required: true, about: "Id of the client." },
    clientSecret: {
      type: "string",
      required: true,
      sensitive: true,
      about: "Secret of the client.",
    },
    scopes: { type: "string", required: true, about: "Scopes to ask for, separated by commas." },
    tokenURL: { type: "string", required: true, about: "Address of the token endpoint." },
    headerName: {
      type: "string",
      required: true,
      about: "Header that carries the token; one that the caller sent is replaced.",
    },
    endpointParamsQuery: {
      type: "string",
      about: "More parameters for the token endpoint, as a query (a=1&b=2).",
    },
    authStyle: {
      type: "number",
      default: "0",
      about: "How id and secret are sent: 1 in the body, 2 as Basic authorization, 0 finds out.",
    },
    pathFilter: {
      type: "string",
      about: "Regular expression; requests for other paths pass untouched.",
    },
  },
  open: async (spec, host) => (await import("./middleware.ts")).open(spec, host),
});
