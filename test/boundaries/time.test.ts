import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { describe, expect, it } from "vitest";

const root = join(import.meta.dirname, "../..");

/** The lines of those folders' sources in which the pattern is found, but for the files that may have it. */
function found(folders: readonly string[], pattern: RegExp, allowed: readonly string[]): string[] {
  return folders
    .flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
        .map((entry) => relative(root, join(entry.parentPath, entry.name))),
    )
    .filter((file) => !file.startsWith("core/wire/grpc/gen/") && !allowed.includes(file))
    .flatMap((file) => {
      const text = readFileSync(join(root, file), "utf8");
      return [...text.matchAll(pattern)].map(
        ({ index }) => `${file}:${text.slice(0, index).split("\n").length}`,
      );
    });
}

describe("time", () => {
  it("comes to core and to components from the platform's clock", () => {
    const globals = /\bDate\.now\b|\bperformance\.now\b|\bAbortSignal\.timeout\b|\bnew Date\(\)/g;
    expect(
      found(["core", "components"], globals, [
        // The platform makes it, and hands it no clock.
        "components/cloudflare-durable-state/state-object.ts",
      ]),
    ).toEqual([]);
  });
  it("passes in timers of the clock only, in core and in components", () => {
    const timers = /\bset(?:Timeout|Interval)\(|"(?:node:)?timers(?:\/promises)?"/g;
    expect(found(["core", "components"], timers, [])).toEqual([]);
  });
  it("between tries grows in one place", () => {
    const growing =
      /Math\.min\([^;]*?(?:\* (?:2|1\.5)\b|\* \w*[fF]actor|\*\* )|\b2 \*\* (?:Math|\w*(?:failures|attempt|tries))/g;
    expect(
      found(["core", "components", "k8s", "targets"], growing, ["core/util/backoff.ts"]),
    ).toEqual([]);
  });
  it("finds what it looks for", () => {
    const globals = found(["components/cloudflare-durable-state"], /\bDate\.now\b/g, []);
    expect(globals).toHaveLength(1);
    expect(found(["core/util"], /Math\.min\([^;]*?\*\* /g, [])).toHaveLength(1);
  });
});
