import { cleanPath, decodePath, encodePath, splitTarget } from "#core/util/path.ts";
import type { HttpMiddleware } from "#core/ports/http-middleware.ts";
import type { ComponentSpec } from "#core/ports/manifest.ts";
import { readRoutes } from "./read-routes.ts";

/** Dapr takes an alias only for what no route of the API takes; here it may stand for any path. */
export function open(spec: ComponentSpec): HttpMiddleware {
  const routes = readRoutes(spec);
  return {
    handle: async (request, next) => {
      const { path, query } = splitTarget(request.path);
      const asked = cleanPath(decodePath(path));
      for (const { template, target } of routes) {
        const parameters = template(asked);
        if (parameters) return next({ ...request, path: aliased(target, query, parameters) });
      }
      return next(request);
    },
    [Symbol.asyncDispose]: async () => {},
  };
}

function aliased(
  target: string,
  query: string,
  parameters: ReadonlyArray<readonly [name: string, value: string]>,
): string {
  const to = splitTarget(target);
  const path = encodePath(to.path.startsWith("/") ? to.path : `/${to.path}`);
  let all = [to.query, query].filter((part) => part !== "").join("&");
  if (parameters.length > 0) {
    const values = new URLSearchParams(all);
    for (const [name, value] of parameters) values.append(name, value);
    values.sort();
    all = values.toString();
  }
  return all === "" ? path : `${path}?${all}`;
}
