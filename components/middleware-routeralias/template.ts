import { RE2JS } from "@bufbuild/re2";
import { messageOf } from "#core/errors/component-error.ts";

/** Parameters of a path that fits; `null` for one that does not. */
export type Template = (
  path: string,
) => ReadonlyArray<readonly [name: string, value: string]> | null;

/** A path with `{name}` (one segment) and `{name:pattern}`; a pattern may hold braces that close. */
export function compileTemplate(path: string, ignoreCase: boolean): Template {
  const names: string[] = [];
  let pattern = "";
  let from = 0;
  for (const [start, end] of bracesIn(path)) {
    const inner = path.slice(start + 1, end);
    const colon = inner.indexOf(":");
    const name = colon === -1 ? inner : inner.slice(0, colon);
    const value = colon === -1 ? "[^/]+" : inner.slice(colon + 1);
    if (name === "" || value === "")
      throw new Error(`route "${path}" has a parameter without a name or pattern: {${inner}}`);
    if (names.includes(name)) throw new Error(`route "${path}" has the parameter ${name} twice`);
    names.push(name);
    pattern += `${literal(path.slice(from, start))}(?<p${names.length}>${value})`;
    from = end + 1;
  }
  const { fits, parts } = compile(path, `^${pattern}${literal(path.slice(from))}$`, ignoreCase);
  return (text) => {
    const groups = fits(text) ? parts.exec(text) : null;
    return groups && names.map((name, i) => [name, groups.groups?.[`p${i + 1}`] ?? ""]);
  };
}

/** RE2 judges in linear time, but gives no groups; those the platform's own expression finds in what fits. */
function compile(
  path: string,
  pattern: string,
  ignoreCase: boolean,
): { readonly fits: (text: string) => boolean; readonly parts: RegExp } {
  try {
    const linear = RE2JS.compile((ignoreCase ? "(?i)" : "") + pattern);
    return {
      fits: (text) => linear.test(text),
      parts: new RegExp(pattern, ignoreCase ? "i" : ""),
    };
  } catch (reason) {
    throw new Error(`route "${path}" cannot be read: ${messageOf(reason)}`, { cause: reason });
  }
}
function literal(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
}

/** Where the outermost braces open and close. */
function bracesIn(path: string): ReadonlyArray<readonly [start: number, end: number]> {
  const found: Array<readonly [number, number]> = [];
  let depth = 0;
  let start = 0;
  for (let i = 0; i < path.length; i++) {
    if (path[i] === "{" && depth++ === 0) start = i;
    else if (path[i] === "}" && --depth === 0) found.push([start, i]);
    if (depth < 0) break;
  }
  if (depth !== 0) throw new Error(`route "${path}" has unbalanced braces`);
  return found;
}
