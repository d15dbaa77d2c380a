/** Images for real nodes, made on this machine: nothing is pulled. */
import { mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { build } from "esbuild";
import { buildRuntimeImage } from "../image.ts";
import { writeImage } from "../oci/image.ts";
import { nodeLayer } from "../oci/layers.ts";
import type { TarEntry } from "../oci/tar.ts";
import { pauseImageName } from "./node-files.ts";
import { imagesFolder } from "./places.ts";
import { find } from "./requirements.ts";
import { run } from "./run.ts";

/** The runtime's image of dist/node as it is; answers the archive. In a pod: `image: runtimeImageName`. */
export async function runtimeImage(): Promise<string> {
  const target = join(imagesFolder, "outrigger.tar");
  await buildRuntimeImage({ names: [runtimeImageName], target });
  return target;
}
export const runtimeImageName = "outrigger.test/outrigger:test";

/**
 * Apps for real nodes: busybox, Node at /usr/bin/node, the official SDK at /app/sdk.mjs and every
 * test/cluster/apps/<name>.ts as /app/<name>.mjs; answers the archive. In a pod: `image: appsImageName`,
 * `command: [node, /app/<name>.mjs]`, or a script in the pod itself: `[node, --input-type=module, -e,
 * 'import { DaprClient } from "/app/sdk.mjs"; ...']`.
 */
export async function appsImage(): Promise<string> {
  const target = join(imagesFolder, "apps.tar");
  await writeImage({
    target,
    names: [appsImageName],
    // Node first: the runtime's image begins so too, and a node unpacks it once.
    layers: [nodeLayer(), await busyboxLayer(), await appsLayer()],
    entrypoint: [],
  });
  return target;
}
export const appsImageName = "outrigger.test/apps:test";

/** What every real node has without asking, in one archive: pod sandboxes, and `busyboxImageName`. */
export async function baseImage(): Promise<string> {
  const target = join(imagesFolder, "base.tar");
  await writeImage({
    target,
    names: [busyboxImageName, pauseImageName],
    layers: [await busyboxLayer()],
    // The sandbox of a pod only has to be there; containers have commands of their own.
    entrypoint: ["/bin/sleep", "2147483647"],
  });
  return target;
}
/** sh and the usual commands; give `command`. */
export const busyboxImageName = "outrigger.test/busybox:1";

async function busyboxLayer(): Promise<readonly TarEntry[]> {
  const busybox = find("busybox");
  if (busybox === undefined) throw new Error("No busybox: run the tool's build for real nodes");
  const commands = (await run([busybox, "--list"])).trim().split("\n");
  return [
    { path: "bin/busybox", content: { file: busybox }, mode: 0o755 },
    ...commands
      .filter((name) => name !== "busybox")
      .map((name) => ({ path: `bin/${name}`, content: { link: "busybox" } })),
    { path: "etc/passwd", content: { text: "root:x:0:0:root:/:/bin/sh\n" } },
    { path: "tmp", content: { folder: true }, mode: 0o1777 },
  ];
}

async function appsLayer(): Promise<readonly TarEntry[]> {
  const source = join(import.meta.dirname, "../../test/cluster/apps");
  const outdir = join(imagesFolder, `apps.${process.pid}`);
  await mkdir(outdir, { recursive: true });
  try {
    const { outputFiles } = await build({
      entryPoints: (await readdir(source))
        .filter((name) => name.endsWith(".ts"))
        .map((name) => join(source, name)),
      outdir,
      outExtension: { ".js": ".mjs" },
      write: false,
      bundle: true,
      splitting: true,
      platform: "node",
      format: "esm",
      target: "node24",
      minifySyntax: true,
      minifyWhitespace: true,
      logLevel: "error",
      // The SDK is CommonJS, and asks for Node's own modules by `require`.
      banner: {
        js: 'import { createRequire as makeRequire } from "node:module"; const require = makeRequire(import.meta.url);',
      },
    });
    return outputFiles.map(({ path, contents }) => ({
      path: `app${path.slice(outdir.length)}`,
      content: { text: contents },
    }));
  } finally {
    await rm(outdir, { recursive: true, force: true });
  }
}
