import { defineComponent, type Manifest } from "#core/ports/manifest.ts";

export const middleware: Manifest<"middleware.http"> = defineComponent({
  kind: "middleware.http",
  type: "middleware.http.uppercase",
  version: "v1",
  targets: ["node", "workers", "azure-functions"],
  about: "Turns bodies into upper case; for tests.",
  options: {
    direction: {
      type: "string",
      default: "request",
      about: "What is changed: request, response or both.",
    },
  },
  open: async (spec) => (await import("./middleware.ts")).open(spec),
});
