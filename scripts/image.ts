/**
 * The runtime as an OCI image in one file, of dist/node as it is: `node scripts/image.ts [--name NAME]...
 * [--output FILE] [--gzip]`. k8s/image/Dockerfile is the same for those who have Docker.
 */
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { fullName, writeImage } from "./oci/image.ts";
import { nodeLayer, runtimeEntrypoint, runtimeLayer, user } from "./oci/layers.ts";

const root = join(import.meta.dirname, "..");

export interface RuntimeImage {
  /** Default: `outrigger:<version>`, which nodes know as `localhost/outrigger:<version>`. */
  readonly names?: readonly string[];
  readonly target?: string;
  readonly gzip?: boolean;
}
export interface ImageFile {
  readonly file: string;
  readonly names: readonly string[];
  /** Of the manifest. */
  readonly digest: string;
}

export async function buildRuntimeImage(options: RuntimeImage = {}): Promise<ImageFile> {
  const { version, license } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
    readonly version: string;
    readonly license: string;
  };
  const file = options.target ?? join(root, "dist/image/outrigger.tar");
  const names = (options.names ?? [`outrigger:${version}`]).map(fullName);
  const digest = await writeImage({
    target: file,
    names,
    layers: [nodeLayer(), runtimeLayer()],
    entrypoint: runtimeEntrypoint,
    user: `${user.id}:${user.id}`,
    labels: {
      "org.opencontainers.image.title": "outrigger",
      "org.opencontainers.image.version": version,
      "org.opencontainers.image.licenses": license,
    },
    gzip: options.gzip ?? false,
  });
  return { file, names, digest };
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      name: { type: "string", multiple: true },
      output: { type: "string" },
      gzip: { type: "boolean" },
    },
  });
  const { file, names, digest } = await buildRuntimeImage({
    ...(values.name === undefined ? {} : { names: values.name }),
    ...(values.output === undefined ? {} : { target: values.output }),
    gzip: values.gzip ?? false,
  });
  const megabytes = (statSync(file).size / 1e6).toFixed(0);
  console.log(`${file}: ${names.join(", ")}, ${digest}, ${megabytes} MB`);
}

if (import.meta.main)
  await main().catch((reason: unknown) => {
    console.error((reason as Error).message);
    process.exitCode = 1;
  });
