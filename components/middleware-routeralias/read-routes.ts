import { messageOf } from "#core/errors/component-error.ts";
import type { ComponentSpec } from "#core/ports/manifest.ts";
import { parseYaml } from "#core/resources/yaml.ts";
import { isRecord } from "#core/util/json.ts";
import { compileTemplate, type Template } from "./template.ts";

export interface Route {
  readonly template: Template;
  /** The path that is served instead. */
  readonly target: string;
}

/** In the order of the document; the first that fits counts. */
export function readRoutes({ metadata }: ComponentSpec): readonly Route[] {
  const { routes = "", ...others } = metadata;
  const given = Object.entries(routes.trim() === "" ? {} : decode(routes));
  // The names of settings have lost their case on the way here.
  const older = Object.entries(others).filter(([path]) => path.startsWith("/"));
  return [
    ...given.map(([path, target]) => routeOf(path, target, false)),
    ...older.map(([path, target]) => routeOf(path, target, true)),
  ];
}

function routeOf(path: string, target: unknown, ignoreCase: boolean): Route {
  if (path === "" || typeof target !== "string" || target === "")
    throw new Error(
      `invalid key/value pair in metadata: give the path "${path}" the path it stands for`,
    );
  return { template: compileTemplate(path, ignoreCase), target };
}

function decode(text: string): Record<string, unknown> {
  let value: unknown;
  try {
    const parsed = parseYaml(text, 0);
    // Dapr: a path that is given twice is refused here.
    const [warning] = parsed.warnings;
    if (warning !== undefined) throw new Error(warning);
    ({ value } = parsed);
  } catch (reason) {
    throw new Error(`failed to decode 'routes' property as JSON or YAML: ${messageOf(reason)}`, {
      cause: reason,
    });
  }
  if (!isRecord(value))
    throw new Error("failed to decode 'routes' property as JSON or YAML: it is not a mapping");
  return value;
}
