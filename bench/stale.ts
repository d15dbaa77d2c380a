import { globSync, statSync } from "node:fs";
import { join } from "node:path";

/** A source file that is newer than the build: then the figures would be of older code. */
export function newerThanBuild(): string | undefined {
  const root = join(import.meta.dirname, "..");
  const built = statSync(join(root, "dist/node/main.js"), { throwIfNoEntry: false });
  if (!built) return undefined;
  return globSync("{core,components,targets}/**/*.ts", { cwd: root }).find(
    (file) => statSync(join(root, file)).mtimeMs > built.mtimeMs,
  );
}
