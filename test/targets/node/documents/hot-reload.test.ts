import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { eventually } from "#test/support/eventually.ts";
import { type InProcess, nodeRuntime } from "#test/support/node-runtime.ts";

const store = (name: string, more = ""): string =>
  `apiVersion: dapr.io/v1alpha1\nkind: Component\nmetadata: { name: ${name} }\nspec: { type: state.in-memory, version: v1${more} }\n`;
/** Opens only where its folder is. */
const broken = (name: string): string =>
  `apiVersion: dapr.io/v1alpha1\nkind: Component\nmetadata: { name: ${name} }\nspec: { type: state.sqlite, version: v1, metadata: [{ name: connectionString, value: /no/such/folder/x.db }] }\n`;

let folder: string;
let runtime: InProcess | undefined;
async function start(files: Readonly<Record<string, string>>): Promise<InProcess> {
  folder = mkdtempSync(join(tmpdir(), "outrigger-reload-"));
  mkdirSync(join(folder, "resources"));
  for (const [name, text] of Object.entries(files)) write(name, text);
  runtime = await nodeRuntime({
    inlineResources: [],
    resourcesPaths: [join(folder, "resources")],
    configPaths: "../config.yaml" in files ? [join(folder, "config.yaml")] : [],
  });
  return runtime;
}
const write = (name: string, text: string): void =>
  writeFileSync(join(folder, "resources", name), text);
afterEach(async () => {
  await runtime?.stop();
  runtime = undefined;
  rmSync(folder, { recursive: true, force: true });
});

interface Metadata {
  readonly components?: ReadonlyArray<{ readonly name: string; readonly status?: string }>;
  readonly extended: Readonly<Record<string, string>>;
}
async function metadata({ httpPort }: InProcess): Promise<Metadata> {
  return (await fetch(`http://127.0.0.1:${httpPort}/v1.0/metadata`)).json() as Promise<Metadata>;
}
async function names(of: InProcess): Promise<string> {
  return ((await metadata(of)).components ?? [])
    .map(({ name }) => name)
    .sort()
    .join();
}
const has = (of: InProcess, wanted: string): Promise<boolean> =>
  eventually(async () => (await names(of)) === wanted, { what: `components ${wanted}` });

describe("files of resources", () => {
  it("count while the runtime runs: written, renamed over, deleted", async () => {
    const of = await start({ "a.yaml": store("a") });
    expect(await names(of)).toBe("a");
    write("b.yaml", store("b"));
    await has(of, "a,b");
    writeFileSync(join(folder, "new.yaml"), store("c"));
    renameSync(join(folder, "new.yaml"), join(folder, "resources/b.yaml"));
    await has(of, "a,c");
    rmSync(join(folder, "resources/a.yaml"));
    await has(of, "c");
  });
  it("count behind a link that is moved, as a ConfigMap's are", async () => {
    const of = await start({});
    const inside = (name: string): string => join(folder, "resources", name);
    mkdirSync(inside("..1"));
    writeFileSync(inside("..1/a.yaml"), store("a"));
    symlinkSync("..1", inside("..data"));
    symlinkSync("..data/a.yaml", inside("a.yaml"));
    await has(of, "a");
    mkdirSync(inside("..2"));
    writeFileSync(inside("..2/a.yaml"), store("other"));
    symlinkSync("..2", inside("..data_tmp"));
    renameSync(inside("..data_tmp"), inside("..data"));
    await has(of, "other");
  });
  it("of a folder that goes and comes again keep their components meanwhile", async () => {
    const of = await start({ "a.yaml": store("a") });
    renameSync(join(folder, "resources"), join(folder, "away"));
    await eventually(async () => "outrigger.reload.errors" in (await metadata(of)).extended);
    expect(await names(of)).toBe("a");
    mkdirSync(join(folder, "resources"));
    write("b.yaml", store("b"));
    await has(of, "b");
  });
  it("that are wrong leave what was there, and the metadata says what is wrong within 2 s", async () => {
    const of = await start({ "a.yaml": store("a"), "b.yaml": store("b") });
    const errors = async (): Promise<string> =>
      (await metadata(of)).extended["outrigger.reload.errors"] ?? "";
    write("a.yaml", "apiVersion: dapr.io/v1alpha1\nkind: Component\nmetadata: {name: a\nspec: [");
    await eventually(async () => (await errors()).includes("a.yaml"), { withinMs: 2000 });
    write("b.yaml", broken("b"));
    await eventually(async () => (await errors()).includes('"name":"b"'), { withinMs: 2000 });
    expect(await names(of)).toBe("a,b");
    const saved = await fetch(`http://127.0.0.1:${of.httpPort}/v1.0/state/b`, {
      method: "POST",
      body: '[{"key":"k","value":1}]',
    });
    expect(saved.status).toBe(204);
    write("a.yaml", store("a"));
    write("b.yaml", store("b"));
    await eventually(async () => (await errors()) === "", { withinMs: 2000 });
  });
});

describe("the Configuration", () => {
  const config = (spec: string): string =>
    `apiVersion: dapr.io/v1alpha1\nkind: Configuration\nmetadata: { name: c }\nspec: ${spec}\n`;
  it("counts when it changes, and stays when it is wrong", async () => {
    const of = await start({ "a.yaml": store("a"), "../config.yaml": config("{}") });
    const status = async (): Promise<number> =>
      (await fetch(`http://127.0.0.1:${of.httpPort}/v1.0/state/a/k`)).status;
    expect(await status()).toBe(204);
    write(
      "../config.yaml",
      config("{ api: { denied: [{ name: state, version: v1, protocol: http }] } }"),
    );
    await eventually(async () => (await status()) === 404);
    write("../config.yaml", "kind: [");
    await eventually(async () => "outrigger.reload.errors" in (await metadata(of)).extended);
    expect(await status()).toBe(404);
  });
  it("with HotReload off leaves everything as it was at the start", async () => {
    const of = await start({
      "a.yaml": store("a"),
      "../config.yaml": config("{ features: [{ name: HotReload, enabled: false }] }"),
    });
    write("b.yaml", store("b"));
    await of.reload();
    // Only who asks for it reads them.
    expect(await names(of)).toBe("a,b");
  });
});
