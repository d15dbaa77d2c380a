import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { parseAllDocuments } from "yaml";
import { isRecord } from "#core/util/json.ts";
import type { Schema } from "./structural.ts";
import { inMemoryResources } from "#test/support/in-memory-resources.ts";

const root = join(import.meta.dirname, "../../..");

export interface Document {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly spec?: unknown;
}

/** Every document of group dapr.io of this repository, by the file that holds it. */
export function ourDocuments(): ReadonlyMap<string, readonly Document[]> {
  const found = new Map<string, readonly Document[]>();
  for (const folder of ["bench", "examples", "test/conformance/recorded"])
    for (const entry of readdirSync(join(root, folder), { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name);
      if (!/\.ya?ml$/.test(entry.name) || path.includes("node_modules")) continue;
      const documents = parseDocuments(readFileSync(path, "utf8"));
      if (documents.length > 0) found.set(relative(root, path), documents);
    }
  found.set("test/support/in-memory-resources.ts", parseDocuments(inMemoryResources));
  return found;
}

export function everyField(): readonly Document[] {
  return parseDocuments(readFileSync(join(import.meta.dirname, "every-field.yaml"), "utf8"));
}

/** The YAML of docs/targets/kubernetes.md, in its order. Throws for what is none. */
export function pageExamples(): readonly Document[] {
  const page = readFileSync(join(root, "docs/targets/kubernetes.md"), "utf8");
  return [...page.matchAll(/```yaml\n([\s\S]*?)```/g)].flatMap((match) =>
    parseAllDocuments(match[1] ?? "").map((document) => {
      if (document.errors[0]) throw document.errors[0];
      return document.toJS() as Document;
    }),
  );
}

function parseDocuments(text: string): readonly Document[] {
  return parseAllDocuments(text)
    .map((document) => document.toJS() as unknown)
    .filter(
      (value): value is Document =>
        isRecord(value) && String(value["apiVersion"]).startsWith("dapr.io/"),
    );
}

export interface Definition {
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly names: { readonly kind: string; readonly plural: string };
    readonly versions: ReadonlyArray<{
      readonly name: string;
      readonly served: boolean;
      readonly storage: boolean;
      readonly schema: { readonly openAPIV3Schema: Schema };
    }>;
  };
}

export function definitions(): readonly Definition[] {
  const folder = join(root, "k8s/crds");
  return readdirSync(folder).map(
    (name) => parseAllDocuments(readFileSync(join(folder, name), "utf8"))[0]?.toJS() as Definition,
  );
}

/** The schema of an API version and kind. Throws where nobody defines it. */
export function schemaOf({ apiVersion, kind }: Pick<Document, "apiVersion" | "kind">): Schema {
  const version = definitions()
    .find(({ spec }) => spec.names.kind === kind)
    ?.spec.versions.find(({ name }) => `dapr.io/${name}` === apiVersion);
  if (!version) throw new Error(`No definition of ${apiVersion} ${kind}`);
  return version.schema.openAPIV3Schema;
}
