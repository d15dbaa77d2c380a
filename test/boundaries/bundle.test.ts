import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { buildAzureFunctions, buildWorkers } from "../../scripts/build.ts";

const root = join(import.meta.dirname, "../..");
/** Generous for today's size, far below the platforms' limits (3 MB gzip on Workers). */
const budgets = { workers: 300, functions: 450 };

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "outrigger-bundles-"));
});
afterAll(() => rm(folder, { recursive: true }));

function gzipKb(file: string, name: string): number {
  const kb = gzipSync(readFileSync(file)).byteLength / 1024;
  process.stdout.write(`bundle ${name}: ${kb.toFixed(1)} KB gz\n`);
  return kb;
}

describe("bundles", () => {
  test("core and the components of the Workers registry need no platform: they bundle without externals", async () => {
    const { metafile } = await build({
      stdin: {
        contents:
          'export { createRuntime } from "#core/hosting/runtime.ts"; export { manifests } from "#components/_registry/workers.gen.ts";',
        resolveDir: root,
      },
      bundle: true,
      write: false,
      metafile: true,
      platform: "neutral",
      format: "esm",
      conditions: ["workerd", "worker", "import"],
      mainFields: ["browser", "module", "main"],
      logLevel: "silent",
    });
    const inputs = Object.keys(metafile.inputs);
    expect(inputs).toContain("core/hosting/runtime.ts");
    expect(inputs.filter((input) => input.startsWith("targets/"))).toEqual([]);
    expect(
      Object.values(metafile.outputs).flatMap(({ imports }) =>
        imports.filter(({ external }) => external),
      ),
    ).toEqual([]);
  });
  test("the Worker imports nothing but cloudflare:workers and stays in its budget", async () => {
    const { file, metafile } = await buildWorkers(folder);
    const outside = Object.values(metafile.outputs).flatMap(({ imports }) =>
      imports.filter(({ external }) => external).map(({ path }) => path),
    );
    expect([...new Set(outside)]).toEqual(["cloudflare:workers"]);
    expect(gzipKb(file, "workers")).toBeLessThan(budgets.workers);
  });
  test("the function app leaves out only what its worker gives, and stays in its budget", async () => {
    const { file, metafile } = await buildAzureFunctions(folder);
    const outside = Object.values(metafile.outputs).flatMap(({ imports }) =>
      imports.filter(({ external }) => external).map(({ path }) => path),
    );
    // The last is optional for @redis/client, which looks for it and goes on without.
    expect(new Set(outside.filter((path) => !isBuiltin(path)))).toEqual(
      new Set(["@azure/functions-core", "@node-rs/xxhash"]),
    );
    expect(gzipKb(file, "azure-functions")).toBeLessThan(budgets.functions);
  });
});

function isBuiltin(path: string): boolean {
  return process.getBuiltinModule(path) !== undefined;
}
