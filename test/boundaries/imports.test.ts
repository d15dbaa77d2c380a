import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { describe, expect, it } from "vitest";

const root = join(import.meta.dirname, "../..");
const sources = (folder: string): readonly string[] =>
  readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
    .filter((file) => !file.startsWith("core/wire/grpc/gen/"));

/** Every module that a file names, in static and dynamic imports and re-exports. */
function imported(file: string): readonly string[] {
  const text = readFileSync(join(root, file), "utf8");
  return [...text.matchAll(/(?:\bfrom |\bimport |\bimport\()"([^"\n]+)"/g)].map(
    (match) => match[1] as string,
  );
}
function violations(folder: string, allowed: (module: string, file: string) => boolean): string[] {
  return sources(folder).flatMap((file) =>
    imported(file)
      .filter((module) => !allowed(module, file))
      .map((module) => `${file} imports ${module}`),
  );
}
const isLocal = (module: string): boolean => module.startsWith("./") || module.startsWith("../");

describe("arrows point inwards", () => {
  /** What core may use beside itself: small libraries that need no platform. */
  const neutral = [
    "hono",
    "yaml",
    "croner",
    "@marcbachmann/cel-js",
    "@bufbuild/re2",
    "@noble/ciphers",
    "@noble/curves",
    "ipaddr.js",
    "jose",
    "@opentelemetry/otlp-transformer",
  ];
  it("core imports itself and neutral libraries only", () => {
    const found = violations(
      "core",
      (module, file) =>
        module.startsWith("#core/") ||
        isLocal(module) ||
        // Only targets that speak gRPC load that part.
        (file.startsWith("core/wire/grpc/") && module.startsWith("@bufbuild/protobuf")) ||
        neutral.some((name) => module === name || module.startsWith(`${name}/`)),
    );
    expect(found).toEqual([]);
  });
  it("core does not import the gRPC surface from its runtime", () => {
    expect(
      imported("core/hosting/runtime.ts").filter((module) => module.includes("/grpc/")),
    ).toEqual([]);
  });
  it("blocks take nothing but types from the gRPC surface", () => {
    const found = sources("core")
      .filter((file) => !file.startsWith("core/wire/grpc/"))
      .filter((file) =>
        readFileSync(join(root, file), "utf8")
          .split(/(?<=;)\n/)
          .some((line) => /^import (?!type )[^;]*from "#core\/wire\/grpc\//.test(line)),
      );
    expect(found).toEqual([]);
  });
  it("components never import targets or tests", () => {
    expect(violations("components", (module) => !/^#(?:targets|test)\//.test(module))).toEqual([]);
  });
  it("components talk to Kubernetes in one place: Secrets are read there by a client of the component's own", () => {
    const found = violations("components", (module) => !module.startsWith("#k8s/")).map(
      (text) => text.split(" ")[0],
    );
    expect([...new Set(found)]).toEqual(["components/kubernetes-secrets/open-reader.ts"]);
  });
  it("k8s knows core and the Kubernetes API only", () => {
    expect(violations("k8s", (module) => !/^#(?:components|targets|test)\//.test(module))).toEqual(
      [],
    );
  });
  it("only a component's own folder is imported by it, beside core and what components share", () => {
    const found = violations("components", (module, file) => {
      if (!module.startsWith("#components/") || file.startsWith("components/_")) return true;
      const folder = file.split("/")[1] as string;
      return (
        module.startsWith(`#components/${folder}/`) || module.startsWith("#components/_shared/")
      );
    });
    expect(found).toEqual([]);
  });
  it("a manifest loads no client library and no port: those come with `open`", () => {
    const statics = sources("components")
      .filter((file) => file.endsWith("/manifest.ts"))
      .flatMap((file) => {
        const text = readFileSync(join(root, file), "utf8");
        return [...text.matchAll(/^import (?!type\b).*?from "([^"]+)"/gms)]
          .map((match) => match[1] as string)
          .filter(
            (module) =>
              !module.startsWith("#core/") &&
              !module.startsWith("./options") &&
              !module.startsWith("#components/_shared/"),
          )
          .map((module) => `${file} imports ${module}`);
      });
    expect(statics).toEqual([]);
  });
  it("targets do not import each other, except those that are programs of Node: the Node target, never the other way round", () => {
    const others: Readonly<Record<string, readonly string[]>> = {
      ca: ["node"],
      kubernetes: ["node"],
      cli: ["node", "kubernetes", "ca"],
    };
    const found = violations("targets", (module, file) => {
      const target = /^#targets\/([^/]+)\//.exec(module)?.[1];
      const folder = file.split("/")[1] as string;
      return (
        target === undefined ||
        target === folder ||
        target === "_shared" ||
        others[folder]?.includes(target) === true
      );
    });
    expect(found).toEqual([]);
  });
});
