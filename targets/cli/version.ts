import { readFileSync } from "node:fs";
import { runtimeVersion } from "#core/blocks/metadata/operations.ts";

/**
 * The version of the package. Its package.json has the same relative path from the source and from
 * the bundle.
 */
export function packageVersion(): string {
  const text = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
  return (JSON.parse(text) as { readonly version: string }).version;
}

/** Three lines, as daprd's `--build-info` prints them. */
export function buildInfo(): string {
  return `Version: ${runtimeVersion}\nGit Commit: \nGit Version: ${packageVersion()}\n`;
}
