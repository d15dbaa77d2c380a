import type { Flag } from "./flags.ts";

const width = 46;

/** The lines of a table for `--help`. */
export function flagHelp(table: readonly Flag[], { short }: { readonly short: boolean }): string {
  return table
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .map((flag) => {
      const letter = short && flag.short ? `-${flag.short}, ` : "    ";
      const left = `  ${letter}--${flag.name}${flag.type === "boolean" ? "" : ` <${flag.type}>`}`;
      return `${left.padEnd(width)}${left.length < width ? "" : " "}${aboutOf(flag)}\n`;
    })
    .join("");
}

function aboutOf(flag: Flag): string {
  const notes = [
    ...(flag.default === undefined ? [] : [`default ${flag.default}`]),
    ...(flag.aliases ?? []).map((alias) => `also --${alias}`),
    ...(flag.unused ? ["no effect"] : []),
  ];
  return notes.length === 0 ? flag.about : `${flag.about} (${notes.join("; ")})`;
}
