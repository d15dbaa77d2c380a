import { defineComponent, type Manifest } from "#core/ports/manifest.ts";

export const middleware: Manifest<"middleware.http"> = defineComponent({
  kind: "middleware.http",
  type: "middleware.http.routerchecker",
  version: "v1",
  targets: ["node", "workers", "azure-functions"],
  about: "Refuses requests whose path and query do not match a rule.",
  options: {
    rule: {
      type: "string",
      required: true,
      about: "Regular expression that the path, with its query, must match.",
    },
  },
  open: async (spec) => (await import("./middleware.ts")).open(spec),
});
