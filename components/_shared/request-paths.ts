import { RE2JS } from "@bufbuild/re2";
import { messageOf } from "#core/errors/component-error.ts";
import { cleanPath, decodePath, splitTarget } from "#core/util/path.ts";
import type { PlainRequest } from "#core/ports/platform.ts";

/** A pattern in Go's syntax, found anywhere in the text; takes time in proportion, whatever the text. */
export function compilePattern(name: string, pattern: string): (text: string) => boolean {
  try {
    const compiled = RE2JS.compile(pattern);
    return (text) => compiled.test(text);
  } catch (reason) {
    throw new Error(`${name} is not a valid regular expression: ${messageOf(reason)}`, {
      cause: reason,
    });
  }
}

/**
 * The ways to read a path: as it was sent, and cleaned as the router cleans it. Who judges only one of them
 * can be led past by `//` and `..`.
 */
export function readings(path: string): readonly string[] {
  // A URL stands in the path of an invocation; cleaning makes `http:/` of it.
  const clean = cleanPath(path).replace(/(https?):\/(?!\/)/g, "$1://");
  return clean === path ? [path] : [path, clean];
}

/** True for requests that a middleware is to work on: all, unless `pathFilter` limits it to some. */
export function pathFilter(
  pattern: string | undefined,
): (request: Pick<PlainRequest, "path">) => boolean {
  if (pattern === undefined) return () => true;
  const matches = compilePattern("pathFilter", pattern);
  return ({ path }) => readings(decodePath(splitTarget(path).path)).some(matches);
}
