/** Bundles each target into dist/<target>/. */
import { readdir, readFile, rm } from "node:fs/promises";
import { constants } from "node:http2";
import { isBuiltin } from "node:module";
import { basename, join } from "node:path";
import { build, type BuildOptions, type Metafile, type Plugin } from "esbuild";
import { generateProto } from "./gen-proto.ts";
import { mergeChunks, partsOf } from "./merge-chunks.ts";

const root = join(import.meta.dirname, "..");

/**
 * Node gives a module of its own to an ES module by reading all that it exports, and loads what those getters lead to:
 * a WebSocket client for `http`, streams of files for `fs`. Here only the names that somebody imports are read.
 */
const builtins: Plugin = {
  name: "builtins",
  setup: ({ onResolve, onLoad }) => {
    onResolve({ filter: /^(?:node:)?[a-z0-9_/]+$/ }, ({ path, kind }) =>
      kind === "require-call" || !isBuiltin(path)
        ? undefined
        : { path: path.replace(/^(?:node:)?/, "node:"), namespace: "builtin", sideEffects: false },
    );
    onLoad({ filter: /.*/, namespace: "builtin" }, ({ path }) => {
      const names = Object.keys(process.getBuiltinModule(path) as object);
      const exported = names.filter(
        (name) => name !== "default" && /^[A-Za-z_$][\w$]*$/.test(name),
      );
      return {
        contents: [
          `const all = /* @__PURE__ */ process.getBuiltinModule(${JSON.stringify(path)});`,
          "export default all;",
          ...exported.map(
            (name) => `export const ${name} = /* @__PURE__ */ ((of) => of.${name})(all);`,
          ),
        ].join("\n"),
        loader: "js",
      };
    });
  },
};

/**
 * Parts of libraries that hardly any process needs, and none at its start: V8 would keep their text with that of
 * what is used. The HTTP parser of undici in four versions, of which one counts; `.proto` files of services of grpc-js
 * that nobody asks for.
 */
const parts = {
  "llhttp-wasm": "undici/lib/llhttp/llhttp-wasm.js",
  "llhttp_simd-wasm": "undici/lib/llhttp/llhttp_simd-wasm.js",
  simd: "undici/lib/milo/simd.js",
  "no-simd": "undici/lib/milo/no-simd.js",
  "proto-loader": "@grpc/proto-loader",
};
/** What only some processes need, and the functions and classes of it that are named here. It is read with their first use. */
const late = {
  "@marcbachmann/cel-js": { part: "cel-js", names: ["Environment"] },
  "@bufbuild/re2": { part: "re2", names: ["RE2JS"] },
} as const;
const partNames = [...Object.keys(parts), ...Object.values(late).map(({ part }) => part)];
const partFile = (name: string): string => `part-${name}.cjs`;
const apart: Plugin = {
  name: "apart",
  setup: ({ onResolve }) => {
    onResolve(
      { filter: new RegExp(`/(?:${Object.keys(parts).join("|")})(?:\\.js)?$`) },
      ({ path }) => ({ path: `./${partFile(basename(path, ".js"))}`, external: true }),
    );
  },
};

/** Names that stand for what `source`, an expression, gives when one of them is first used. */
const lateNames = (source: string, names: readonly string[]): string[] => [
  `let all; const load = () => (all ??= ${source});`,
  `const late = (name) => new Proxy(function () {}, {`,
  `  apply: (_, self, parameters) => Reflect.apply(load()[name], self, parameters),`,
  `  construct: (_, parameters) => new (load()[name])(...parameters),`,
  `  get: (_, key) => load()[name][key],`,
  `});`,
  ...names.map((name) => `export const ${name} = /* @__PURE__ */ late("${name}");`),
];
const lateLibraries: Plugin = {
  name: "late-libraries",
  setup: ({ onResolve, onLoad }) => {
    const names = [...Object.keys(late), "node:http2"];
    onResolve({ filter: new RegExp(`^(?:${names.join("|")})$`) }, ({ path, kind }) =>
      kind === "require-call" ? undefined : { path, namespace: "late", sideEffects: false },
    );
    onLoad({ filter: /.*/, namespace: "late" }, ({ path }) => {
      if (path === "node:http2") return { contents: lateHttp2(), loader: "js" };
      const { part, names: exported } = late[path as keyof typeof late];
      const source = `require(${JSON.stringify(`./${partFile(part)}`)})`;
      return { contents: lateNames(source, exported).join("\n"), loader: "js" };
    });
  },
};
/** Its constants are numbers and names of the protocol, the same for every version. */
function lateHttp2(): string {
  const source = `process.getBuiltinModule("node:http2")`;
  return [
    ...lateNames(source, ["connect", "createServer", "createSecureServer"]),
    `export const constants = ${JSON.stringify(constants)};`,
    // Hono asks it of every request: none can be one before somebody has made a server.
    `export class Http2ServerRequest { static [Symbol.hasInstance](of) { return all !== undefined && of instanceof all.Http2ServerRequest; } }`,
  ].join("\n");
}

/** The command line and the Node runtime: one small entry, everything else in parts that load when needed. */
export async function buildNode(): Promise<void> {
  const outdir = join(root, "dist/node");
  await build({
    absWorkingDir: root,
    entryPoints: Object.fromEntries(
      [
        ...Object.entries(parts),
        ...Object.entries(late).map(([path, { part }]) => [part, path] as const),
      ].map(([name, path]) => [`part-${name}`, path]),
    ),
    outdir,
    outExtension: { ".js": ".cjs" },
    bundle: true,
    platform: "node",
    format: "cjs",
    target: "node24",
    minify: true,
    logLevel: "warning",
  });
  const shared = {
    absWorkingDir: root,
    outdir,
    bundle: true,
    splitting: true,
    platform: "node",
    format: "esm",
    target: "node24",
    sourcemap: true,
    metafile: true,
    external: ["./part-*"],
    // V8 keeps the source of what it runs: white space would cost memory in every process.
    minifySyntax: true,
    minifyWhitespace: true,
    logLevel: "warning",
    // CommonJS libraries in the bundle ask for Node's own modules by `require`.
    banner: {
      js: 'let outriggerRequire; const require = (name) => (outriggerRequire ??= process.getBuiltinModule("node:module").createRequire(import.meta.url))(name);',
    },
  } as const satisfies BuildOptions;
  const plugins = [lateLibraries, builtins, apart];
  const [{ metafile }, others] = await Promise.all([
    build({
      ...shared,
      entryPoints: { main: "targets/cli/main.ts" },
      plugins: [commandsApart, ...plugins],
    }),
    build({
      ...shared,
      entryPoints: commands.map((name) => ({
        in: `targets/cli/${name}.ts`,
        out: commandFile(name).slice(0, -3),
      })),
      chunkNames: "command-[name]-[hash]",
      plugins,
    }),
  ]);
  const outputs = Object.keys({ ...metafile.outputs, ...others.metafile.outputs });
  await checkCharacters(outputs.filter((path) => path.endsWith(".js")));
  const started = partsOf(
    metafile,
    ["targets/cli/sidecar.ts", "targets/node/start.ts"],
    ["targets/cli/main.ts"],
  );
  await mergeChunks(outdir, metafile, started, startFile);
  const files = [...outputs.map((path) => basename(path)), startFile, `${startFile}.map`];
  await removeOthers(outdir, new Set([...files, ...partNames.map(partFile)]));
}

/** What every start of a sidecar and of `outrigger run` loads. */
const startFile = "start.js";
/** Commands that start no runtime here, or another one: built by themselves, so that what they share with the rest does not cut that into small parts. */
const commands = ["ca", "injector", "k8s", "node", "node-group"];
const commandFile = (name: string): string => `command-${name}.js`;
const commandsApart: Plugin = {
  name: "commands-apart",
  setup: ({ onResolve }) =>
    onResolve({ filter: new RegExp(`^\\./(?:${commands.join("|")})\\.ts$`) }, ({ path, kind }) =>
      kind === "dynamic-import"
        ? { path: `./${commandFile(basename(path, ".ts"))}`, external: true }
        : undefined,
    ),
};

/** A single character beyond Latin-1, as in a regular expression, makes V8 keep the whole file with two bytes for each. */
async function checkCharacters(paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    const found = /.{0,40}[\u0100-\uFFFF]/.exec(await readFile(join(root, path), "utf8"));
    if (found) throw new Error(`${path}: write the last character here as \\u…: ${found[0]}`);
  }
}

/** Deletes what an earlier build left: after the build, so that a running process finds its parts as long as possible. */
async function removeOthers(folder: string, keep: ReadonlySet<string>): Promise<void> {
  for (const name of await readdir(folder))
    if (!keep.has(name)) await rm(join(folder, name), { recursive: true });
}

export interface Bundle {
  readonly file: string;
  readonly metafile: Metafile;
}
const oneFile = {
  absWorkingDir: root,
  bundle: true,
  minify: true,
  sourcemap: true,
  metafile: true,
  legalComments: "linked",
  logLevel: "warning",
} as const satisfies BuildOptions;

/** The Worker, one module. An import of `node:` is an error here: the Worker runs without nodejs_compat. */
export async function buildWorkers(dist: string = join(root, "dist")): Promise<Bundle> {
  const file = join(dist, "workers/main.js");
  const { metafile } = await build({
    ...oneFile,
    entryPoints: ["targets/workers/main.ts"],
    outfile: file,
    platform: "neutral",
    format: "esm",
    target: "es2024",
    conditions: ["workerd", "worker", "import"],
    mainFields: ["browser", "module", "main"],
    external: ["cloudflare:*"],
  });
  return { file, metafile };
}

/** The function app, one CommonJS file; only the Functions worker has `@azure/functions-core`. */
export async function buildAzureFunctions(dist: string = join(root, "dist")): Promise<Bundle> {
  const file = join(dist, "azure-functions/main.cjs");
  const { metafile } = await build({
    ...oneFile,
    entryPoints: ["targets/azure-functions/main.ts"],
    outfile: file,
    platform: "node",
    format: "cjs",
    target: "node22",
    external: ["@azure/functions-core"],
  });
  return { file, metafile };
}

/** One function a target; they do not depend on each other. */
const targets: ReadonlyArray<() => Promise<unknown>> = [
  buildNode,
  buildWorkers,
  buildAzureFunctions,
];

if (import.meta.main) {
  await generateProto();
  await Promise.all(targets.map((buildTarget) => buildTarget()));
}
