import { defineComponent, type Manifest } from "#core/ports/manifest.ts";

export const middleware: Manifest<"middleware.http"> = defineComponent({
  kind: "middleware.http",
  type: "middleware.http.uppercase",
  version: "v1",
  targets: ["node", "workers", "azure-functions"],
  about: "Converts bodies to upper case; for tests.",
  options: {
    direction: {
      type: "string",
      default: "request",
      about: "What to convert: request, response or both.",
    },
  },
  open: async (spec) => (await import("./middleware.ts")).open(spec),
});
