/** The table of docs/status.md that says which component runs on which target, from the manifests. */
import type { Manifest, Target } from "#core/ports/manifest.ts";

const begin = "<!-- components: written by `npm run gen` from the manifests -->";
const end = "<!-- end of components -->";
const columns: ReadonlyArray<readonly [title: string, target: Target]> = [
  ["Node", "node"],
  ["Workers", "workers"],
  ["Functions", "azure-functions"],
];

/** `text` with its table in the state of these manifests. Throws where `text` has no place for it. */
export function withComponentTable(text: string, manifests: readonly Manifest[]): string {
  const [before, rest] = text.split(begin);
  const after = rest?.split(end)[1];
  if (before === undefined || after === undefined) throw new Error(`"${begin}" is missing`);
  return `${before}${begin}\n\n${tableOf(manifests)}\n\n${end}${after}`;
}

function tableOf(manifests: readonly Manifest[]): string {
  const targetsOf = new Map<string, Set<Target>>();
  for (const { kind, type, version, targets } of manifests) {
    const direction =
      kind === "bindings.input" ? " (in)" : kind === "bindings.output" ? " (out)" : "";
    const name = `\`${type}\` ${version}${direction}`;
    const known = targetsOf.get(name) ?? new Set();
    for (const target of targets) known.add(target);
    targetsOf.set(name, known);
  }
  const rows = [...targetsOf]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, on]) => [name, ...columns.map(([, target]) => (on.has(target) ? "yes" : "no"))]);
  const head = ["component", ...columns.map(([title]) => title)];
  const widths = head.map((_, i) => Math.max(...[head, ...rows].map((row) => row[i]!.length)));
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, i) => cell.padEnd(widths[i]!)).join(" | ")} |`;
  return [line(head), line(widths.map((width) => "-".repeat(width))), ...rows.map(line)].join("\n");
}
