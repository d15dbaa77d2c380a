/** The pattern that takes a path; `undefined` when none does. */
export type PathMatcher = (path: string) => string | undefined;

/** One place in the tree of patterns. */
interface Node {
  readonly literals: Map<string, Node>;
  any?: Node;
  /** The pattern that ends here. */
  pattern?: string;
  /** The pattern that takes all that follows: `/` at the end, or `{name...}`. */
  rest?: string;
}

const invoked = "/v1.0/invoke/{app_id}/method";

/**
 * Patterns as Go's `http.ServeMux` reads them: `{id}` takes one segment, `/` at the end or `{rest...}` all that
 * follows, `{$}` the slash at the end alone; the more exact pattern wins. Each also takes calls of other apps,
 * under `/v1.0/invoke/{app_id}/method`.
 */
export function pathMatcher(patterns: readonly string[]): PathMatcher {
  const root: Node = { literals: new Map() };
  for (const given of patterns) {
    const pattern = rooted(given);
    add(root, pattern);
    if (!pattern.startsWith("/v1.0/invoke/")) add(root, invoked + pattern);
  }
  return (path) => {
    const segments = rooted(path).slice(1).split("/");
    return find(root, segments, 0);
  };
}

function rooted(path: string): string {
  const merged = path.replace(/\/{2,}/g, "/");
  return merged.startsWith("/") ? merged : `/${merged}`;
}

function add(root: Node, pattern: string): void {
  const segments = pattern.slice(1).split("/");
  const last = segments.length - 1;
  let at = root;
  for (const [i, segment] of segments.entries()) {
    if (i === last && (segment === "" || /^\{\w*\.\.\.\}$/.test(segment))) {
      at.rest ??= pattern;
      return;
    }
    if (/^\{\w+\}$/.test(segment)) at = at.any ??= { literals: new Map() };
    else {
      const name = segment === "{$}" ? "" : segment;
      let next = at.literals.get(name);
      if (!next) at.literals.set(name, (next = { literals: new Map() }));
      at = next;
    }
  }
  at.pattern ??= pattern;
}

/** The exact segment first, then any one, then the rest. */
function find(at: Node, segments: readonly string[], index: number): string | undefined {
  // Go redirects `/orders` to `/orders/` where only that is there, and names that pattern.
  if (index === segments.length) return at.pattern ?? at.rest;
  const segment = segments[index] as string;
  const exact = at.literals.get(segment);
  const found = exact && find(exact, segments, index + 1);
  if (found !== undefined) return found;
  const any = at.any && segment !== "" ? find(at.any, segments, index + 1) : undefined;
  return any ?? at.rest;
}
