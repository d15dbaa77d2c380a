import { optionsOf } from "#components/_shared/options.ts";
import { compilePattern, readings } from "#components/_shared/request-paths.ts";
import { splitTarget } from "#core/util/path.ts";
import { textResponse } from "#core/middleware/text-response.ts";
import type { HttpMiddleware } from "#core/ports/http-middleware.ts";
import type { ComponentSpec } from "#core/ports/manifest.ts";
import { middleware } from "./manifest.ts";

export function open(spec: ComponentSpec): HttpMiddleware {
  const passes = compilePattern("rule", optionsOf(spec, middleware.options).text("rule") ?? "");
  return {
    handle: async (request, next) => {
      const { path, query } = splitTarget(request.path);
      const rest = query === "" ? "" : `?${query}`;
      return readings(path).every((reading) => passes(reading + rest))
        ? next(request)
        : textResponse(400, "invalid router");
    },
    [Symbol.asyncDispose]: async () => {},
  };
}
