import { defineComponent, type Manifest } from "#core/ports/manifest.ts";

export const middleware: Manifest<"middleware.http"> = defineComponent({
  kind: "middleware.http",
  type: "middleware.http.ratelimit",
  version: "v1",
  targets: ["node", "workers", "azure-functions"],
  about: "Limits how often one address may call one path.",
  options: {
    maxRequestsPerSecond: {
      type: "number",
      default: "100",
      about:
        "Requests a second from one address to one path; more than 0. As many may come at once, at least one.",
    },
  },
  open: async (spec, host) => (await import("./middleware.ts")).open(spec, host),
});
