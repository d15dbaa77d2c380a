import type { Exemptions } from "#core/kernel/operation.ts";
import { cleanPath, splitTarget } from "#core/util/path.ts";

/** Routes whose operations are exempt from something, to be known before a request is routed. */
export interface ExemptRoutes {
  /** `path`: as in `HttpRoutes`. */
  add(methods: readonly string[], path: string, exempt: Exemptions): void;
  /** `target`: as it stood on the wire. */
  of(method: string, target: string): Exemptions | undefined;
}

export function createExemptRoutes(): ExemptRoutes {
  const routes: Array<{
    readonly methods: readonly string[];
    readonly path: RegExp;
    readonly exempt: Exemptions;
  }> = [];
  return {
    add: (methods, path, exempt) => {
      const segments = path
        .split("/")
        .map((each) => (each.startsWith(":") ? "[^/]+" : escape(each)));
      routes.push({ methods, path: new RegExp(`^${segments.join("/")}$`), exempt });
    },
    of: (method, target) => {
      const path = cleanPath(splitTarget(target).path);
      return routes.find((each) => each.methods.includes(method) && each.path.test(path))?.exempt;
    },
  };
}

function escape(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
