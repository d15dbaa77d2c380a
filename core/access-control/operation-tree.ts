/** Patterns by their segments, with what each stands for. */
export interface OperationTree<T> {
  /** What the first pattern on the way stands for; `undefined` where none fits. */
  find(operation: string): T | undefined;
}
interface Node<T> {
  /** With its leading slash. */
  readonly text: string;
  readonly nodes: Node<T>[];
  data: T | undefined;
}
const oneSegment = "/*";
const anySegments = "/**";

/**
 * Dapr: the tree, the order in which its branches are tried, that nothing is tried twice and that a pattern
 * covers what lies below it are all Dapr's. Of patterns with the same text the first counts.
 */
export function createOperationTree<T>(
  patterns: ReadonlyArray<readonly [pattern: string, data: T]>,
): OperationTree<T> {
  const root: Node<T> = { text: "/", nodes: [], data: undefined };
  for (const [pattern, data] of patterns) insert(root, pattern, data);
  return {
    find: (operation) => {
      let node = root;
      // Segment by segment, without a list of them.
      for (let from = 0, to: number; ; from = to) {
        const slash = operation.indexOf("/", from + 1);
        const isLast = slash === -1;
        to = isLast ? operation.length : slash;
        const next = branch(node, operation.slice(from, to), isLast);
        if (!next) return undefined;
        node = next;
        // A bare "*" is one segment; everything else that holds a rule holds it for what lies below, too.
        if (node.data !== undefined) {
          if (!isLast && node.text === oneSegment) continue;
          return node.data;
        }
        if (isLast) return branch(node, oneSegment, true)?.data;
      }
    },
  };
}

/** `/a/b` gives `/a` and `/b`. */
function segmentsOf(path: string): readonly string[] {
  return path
    .split("/")
    .slice(1)
    .map((segment) => `/${segment}`);
}

function insert<T>(root: Node<T>, pattern: string, data: T): void {
  let node = root;
  const parts = segmentsOf(pattern);
  parts.forEach((text, i) => {
    let next = node.nodes.find((each) => each.text === text);
    if (!next) node.nodes.push((next = { text, nodes: [], data: undefined }));
    if (i === parts.length - 1) next.data ??= data;
    node = next;
  });
}

function branch<T>({ nodes }: Node<T>, part: string, isLast: boolean): Node<T> | undefined {
  return nodes.find(({ text }) => {
    if (text === part || text === anySegments) return true;
    return text === oneSegment ? isLast : text.includes("*") && fits(part, text);
  });
}

/** `*` stands for any characters, or none. Takes time in proportion to both lengths. */
function fits(text: string, pattern: string): boolean {
  let at = 0;
  let from = 0;
  let star = -1;
  let resume = 0;
  while (at < text.length) {
    if (pattern[from] === "*") {
      star = from++;
      resume = at;
    } else if (pattern[from] === text[at]) {
      from++;
      at++;
    } else if (star !== -1) {
      from = star + 1;
      at = ++resume;
    } else return false;
  }
  while (pattern[from] === "*") from++;
  return from === pattern.length;
}
