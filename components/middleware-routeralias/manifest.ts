import { defineComponent, type Manifest } from "#core/ports/manifest.ts";

export const middleware: Manifest<"middleware.http"> = defineComponent({
  kind: "middleware.http",
  type: "middleware.http.routeralias",
  version: "v1",
  targets: ["node", "workers", "azure-functions"],
  about: "Serves paths of your choice as other paths.",
  options: {
    routes: {
      type: "string",
      about:
        "Mapping from a path to the path it stands for, as JSON or YAML text. {name} stands for one segment, {name:pattern} for what the pattern matches; each is added to the query. The older form, one setting for each path, works too, and ignores case.",
    },
  },
  open: async (spec) => (await import("./middleware.ts")).open(spec),
});
