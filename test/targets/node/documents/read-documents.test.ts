import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readDocuments } from "#targets/node/documents/read-documents.ts";
import { readConfiguration, readResources } from "#targets/node/documents/resources.ts";
import { keptLog } from "#test/support/kept-log.ts";

const component = (name: string): string =>
  `apiVersion: dapr.io/v1alpha1\nkind: Component\nmetadata: {name: ${name}}\nspec: {type: a.b}\n`;

describe("reading documents from files", () => {
  let folder = "";
  const put = async (name: string, text: string): Promise<string> => {
    await writeFile(join(folder, name), text);
    return join(folder, name);
  };
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "outrigger-documents-"));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it("leaves out a file that cannot be read, and says so", async () => {
    const resources = join(folder, "resources");
    await mkdir(join(resources, "b.yaml"), { recursive: true });
    await writeFile(join(resources, "a.yaml"), component("first"));
    await writeFile(join(resources, "c.yaml"), "#".repeat(5 * 1024 * 1024));
    await writeFile(join(resources, "d.yaml"), component("last"));
    const log = keptLog();
    const found = await readResources([resources], log);
    expect(found.map(({ name }) => name)).toEqual(["first", "last"]);
    expect(log.of("warn")).toEqual([
      expect.stringContaining('b.yaml": it is a folder, not a file'),
      expect.stringContaining('c.yaml": it has 5242880 bytes, more than 4194304'),
    ]);
  });

  it.each([
    ["without kind and name", 'spec: {tracing: {samplingRate: "1"}}', 1],
    ["in any case", 'KIND: Configuration\nSpec: {Tracing: {SamplingRate: "1"}}', 1],
    ["that is empty", "# nothing yet\n---\n", 1e-4],
  ])("takes a Configuration %s, as Dapr does", async (_, text, samplingRate) => {
    const path = await put("config.yaml", text);
    const { tracing } = await readConfiguration([path], {}, keptLog());
    expect(tracing.samplingRate).toBe(samplingRate);
  });
  it.each([
    ["is something else", component("x"), "it contains no valid Configuration"],
    ["cannot be read", "kind: [", "cannot be read"],
    ["is not right", "spec: {tracing: {zipkin: {endpointAddress: x}}}", "make it a URL"],
  ])("refuses a Configuration that %s", async (_, text, why) => {
    const path = await put("config.yaml", text);
    await expect(readConfiguration([path], {}, keptLog())).rejects.toThrow(why);
  });

  it("lets calls have their turn while it reads thousands of documents", async () => {
    const documents = Array.from({ length: 3000 }, (__, i) => component(`c${i}`));
    const resourcesPaths = [await put("many.yaml", documents.join("---\n"))];
    let turns = 0;
    const turn = (): void => {
      turns++;
      next = setImmediate(turn);
    };
    let next = setImmediate(turn);
    const read = await readDocuments({ configPaths: [], resourcesPaths }, {}, keptLog());
    clearImmediate(next);
    expect(read.resources).toHaveLength(3000);
    // Two go by with the file itself.
    expect(turns).toBeGreaterThan(10);
  });
});
