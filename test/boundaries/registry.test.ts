import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { blockLists, readManifests, registryText, statusText, targets } from "../../scripts/gen.ts";

const registry = join(import.meta.dirname, "../../components/_registry");

describe("component registry", () => {
  it.each(targets)("of %s is what the manifests say (npm run gen writes it)", async (target) => {
    const text = readFileSync(join(registry, `${target}.gen.ts`), "utf8");
    expect(text).toBe(await registryText(target));
  });
  it("is what docs/status.md says of each target (npm run gen writes it)", async () => {
    const { is, should } = await statusText();
    expect(is).toBe(should);
  });
  it("is what the README lists", async () => {
    const readme = readFileSync(join(registry, "../../README.md"), "utf8");
    const types = (await readManifests()).flatMap(([, exports]) =>
      Object.values(exports).map(({ type }) =>
        type.replace(/^(?:middleware\.http|nameresolution)\./, ""),
      ),
    );
    expect(types.filter((type) => !readme.includes(`\`${type}\``))).toEqual([]);
  });
  it("names no type twice for the same target, kind and version", async () => {
    const seen = new Set<string>();
    for (const [folder, exports] of await readManifests())
      for (const manifest of Object.values(exports))
        for (const target of manifest.targets)
          for (const type of [manifest.type, ...(manifest.aliases ?? [])]) {
            const key = `${target} ${manifest.kind} ${type} ${manifest.version}`;
            expect(seen, `${folder}: ${key}`).not.toContain(key);
            seen.add(key);
          }
  });
  it("explains every option of every component", async () => {
    for (const [folder, exports] of await readManifests())
      for (const manifest of Object.values(exports))
        for (const [name, option] of Object.entries(manifest.options))
          expect(option.about.length, `${folder} ${manifest.type} ${name}`).toBeGreaterThan(5);
  });
});

describe("blocks of the API", () => {
  it.each(Object.entries(blockLists()))(
    "%s lists every folder of core/blocks (npm run gen writes it)",
    (file, text) => {
      expect(readFileSync(join(registry, "../../core/hosting", file), "utf8")).toBe(text);
    },
  );
});
