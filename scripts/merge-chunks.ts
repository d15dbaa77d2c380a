/** Joins small parts of a bundle that are always loaded together. */
import { rm, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { build, type Metafile } from "esbuild";

/**
 * esbuild puts what each set of entries shares into a part of its own, and each part costs a start about a millisecond:
 * it is looked for, read and linked. This puts `names` into one file, `joined`; where they were stays a file that
 * leads there, for what is loaded later.
 */
export async function mergeChunks(
  folder: string,
  { outputs }: Metafile,
  names: ReadonlySet<string>,
  joined: string,
): Promise<void> {
  const exportsOf = new Map(
    Object.entries(outputs).map(([path, { exports }]) => [basename(path), exports] as const),
  );
  const all = [...names].map((name, i) => ({
    name,
    pairs: (exportsOf.get(name) ?? []).map((exported) => [exported, `p${i}_${exported}`] as const),
  }));
  const lines = all.map(({ name, pairs }) => {
    const list = pairs.map(([exported, unique]) => `${exported} as ${unique}`).join(", ");
    return `export { ${list} } from "./${name}";`;
  });
  await build({
    stdin: { contents: lines.join("\n"), resolveDir: folder, sourcefile: "parts.js" },
    outfile: join(folder, joined),
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node24",
    sourcemap: true,
    minifySyntax: true,
    minifyWhitespace: true,
    logLevel: "warning",
    plugins: [
      {
        name: "others-stay-outside",
        setup: ({ onResolve }) =>
          onResolve({ filter: /^\.\// }, ({ path }) =>
            names.has(basename(path)) ? undefined : { path, external: true },
          ),
      },
    ],
  });
  for (const { name, pairs } of all) {
    const list = pairs.map(([exported, unique]) => `${unique} as ${exported}`).join(",");
    await writeFile(join(folder, name), `export{${list}}from"./${joined}";\n`);
    await rm(join(folder, `${name}.map`), { force: true });
  }
}

/** The parts that the entries of these sources load at once, without those of the sources `without`. */
export function partsOf(
  { outputs }: Metafile,
  sources: readonly string[],
  without: readonly string[],
): ReadonlySet<string> {
  const closure = (of: readonly string[]): Set<string> => {
    const found = new Set<string>();
    const visit = (path: string): void => {
      const output = outputs[path];
      if (!output || found.has(path)) return;
      found.add(path);
      for (const { kind, path: next } of output.imports)
        if (kind === "import-statement") visit(next);
    };
    for (const source of of) {
      const entry = Object.entries(outputs).find(([, { entryPoint }]) => entryPoint === source);
      if (!entry) throw new Error(`The bundle has no entry "${source}"`);
      visit(entry[0]);
    }
    return found;
  };
  const outside = closure(without);
  return new Set(
    [...closure(sources)].filter((path) => !outside.has(path)).map((path) => basename(path)),
  );
}
