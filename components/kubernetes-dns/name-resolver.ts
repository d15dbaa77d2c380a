import type { ComponentSpec } from "#core/ports/manifest.ts";
import type { NameResolver } from "#core/ports/name-resolver.ts";

/** The internal port of every runtime in a cluster. */
const port = "50002";

/** Services are made by whoever deploys the apps; the cluster's DNS does the rest. */
export function open({ metadata }: ComponentSpec): NameResolver {
  const domain = metadata["clusterdomain"] || "cluster.local";
  const template = metadata["template"] || `{{.ID}}-dapr.{{.Namespace}}.svc.${domain}:{{.Port}}`;
  const unknown = template.replace(/\{\{\s*\.(?:ID|Namespace|Port)\s*\}\}/g, "");
  if (unknown.includes("{{"))
    throw new Error(`template: cannot read ${template}; use {{.ID}}, {{.Namespace}} and {{.Port}}`);
  return {
    announce: async () => {},
    resolve: async ({ appId, namespace }) => {
      const values: Readonly<Record<string, string>> = {
        ID: appId,
        Namespace: namespace || "default",
        Port: port,
      };
      return template.replace(
        /\{\{\s*\.(ID|Namespace|Port)\s*\}\}/g,
        (_, name: string) => values[name] ?? "",
      );
    },
    [Symbol.asyncDispose]: async () => {},
  };
}
