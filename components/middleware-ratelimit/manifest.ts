import { defineComponent, type Manifest } from "#core/ports/manifest.ts";

export const middleware: Manifest<"middleware.http"> = defineComponent({
  kind: "middleware.http",
  type: "middleware.http.ratelimit",
  version: "v1",
  targets: ["node", "workers", "azure-functions"],
  about: "Limits how often an address can call a path.",
  options: {
    maxRequestsPerSecond: {
      type: "number",
      default: "100",
      about:
        "Maximum number of requests per second from one address to one path, which is also the size of a burst; must be more than 0.",
    },
  },
  open: async (spec, host) => (await import("./middleware.ts")).open(spec, host),
});
