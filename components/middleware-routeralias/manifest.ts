import { defineComponent, type Manifest } from "#core/ports/manifest.ts";

export const middleware: Manifest<"middleware.http"> = defineComponent({
  kind: "middleware.http",
  type: "middleware.http.routeralias",
  version: "v1",
  targets: ["node", "workers", "azure-functions"],
  about: "Maps paths to other paths.",
  options: {
    routes: {
      type: "string",
      about:
        "Mapping from paths to the paths that they stand for, as JSON or YAML text, where {name} matches one segment, {name:pattern} matches a pattern, and both are added to the query; the older form with one setting per path, which ignores case, works too.",
    },
  },
  open: async (spec) => (await import("./middleware.ts")).open(spec),
});
