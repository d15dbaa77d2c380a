import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { annotationTable, configurationAnnotations } from "#k8s/pods/annotation-table.ts";
import { pageExamples, schemaOf } from "./documents.ts";
import { faults } from "./structural.ts";

const root = join(import.meta.dirname, "../../..");
const read = (path: string): string => readFileSync(join(root, path), "utf8");
const page = read("docs/targets/kubernetes.md");

describe("docs/targets/kubernetes.md", () => {
  it("has every annotation", () => {
    const names = [...annotationTable.map(({ name }) => name), ...configurationAnnotations];
    expect(names.filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
  });

  it.each(["node", "injector", "ca", "k8s"])("has every flag of outrigger %s", (command) => {
    const pages = page + read("docs/mtls.md");
    const source = read(`targets/cli/${command}.ts`);
    const help = /const help = `([^`]*)`/.exec(source)?.[1] ?? "";
    const flags = [
      ...[...help.matchAll(/--([a-z][a-z0-9-]+)/g)].map((match) => match[1]),
      // Of those whose help is made from a table.
      ...[...source.matchAll(/^ {2}(?: {2}|\{ )name: "([a-z0-9-]+)"/gm)].map((match) => match[1]),
    ];
    expect(flags.length).toBeGreaterThan(0);
    const missing = new Set(flags.filter((flag) => !pages.includes(`--${flag}`)));
    expect([...missing]).toEqual([]);
  });

  it("has examples that the definitions take", () => {
    const examples = pageExamples();
    const ours = examples.filter(({ apiVersion }) => apiVersion.startsWith("dapr.io/"));
    expect(ours.map(({ kind }) => kind)).toEqual(["Component", "Subscription"]);
    for (const document of ours) expect(faults(schemaOf(document), document)).toEqual([]);
  });

  it("links to pages that exist", () => {
    for (const [, target = ""] of page.matchAll(/\]\(([^)#]+)/g))
      expect(() => read(join("docs/targets", target))).not.toThrow();
  });
});
