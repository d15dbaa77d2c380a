/** An OCI image as one file, which `ctr`, `podman`, `skopeo` and `docker load` read: no Docker needed to make it. */
import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import { type TarEntry, type Written, writeTar } from "./tar.ts";

export interface Image {
  /** Where the archive goes. */
  readonly target: string;
  /** `name:tag`, each of which it gets when it is imported; see `fullName`. */
  readonly names: readonly string[];
  /** Bottom first. Equal layers of two images are stored once where they are imported, if all below are equal. */
  readonly layers: ReadonlyArray<readonly TarEntry[]>;
  readonly entrypoint: readonly string[];
  /** `uid:gid`; default: root. */
  readonly user?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
  /** Smaller, and a few seconds slower to make. */
  readonly gzip?: boolean;
}

const architectures: Readonly<Record<string, string>> = { x64: "amd64", arm64: "arm64" };
/** As image tools accept them: host and port (a dot or "localhost" tells it from a path), path, tag. */
const namePattern =
  /^(?:[a-z0-9]+(?:[.-][a-z0-9]+)*(?::\d+)?\/)?[a-z0-9]+(?:[._/-]+[a-z0-9]+)*:\w[\w.-]{0,127}$/;

/**
 * The name that a node knows an image by. Names without a registry get `localhost/`, as podman's do: containerd
 * keeps a bare name as it is, and Kubernetes then asks for a longer one in vain.
 */
export function fullName(name: string): string {
  if (name.length > 255 || !namePattern.test(name))
    throw new Error(`"${name}" is not the name of an image: give one like "outrigger:1.0"`);
  return /^(?:localhost|[^/]*[.:][^/]*)\//.test(name) ? name : `localhost/${name}`;
}

/** Writes the archive; equal content gives equal bytes. Answers the digest of its manifest, as `sha256:...`. */
export async function writeImage(image: Image): Promise<string> {
  const names = image.names.map(fullName);
  await mkdir(dirname(image.target), { recursive: true });
  // Beside the target, so that the finished archive only has to be renamed.
  const work = await mkdtemp(join(dirname(image.target), `.${basename(image.target)}-`));
  try {
    const archive = join(work, "image.tar");
    const manifest = await writeArchive({ ...image, names }, work, archive);
    await rename(archive, image.target);
    return manifest;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function writeArchive(image: Image, work: string, archive: string): Promise<string> {
  const blobs: TarEntry[] = [];
  const descriptors: Descriptor[] = [];
  const contents: string[] = [];
  for (const [index, entries] of image.layers.entries()) {
    const file = join(work, `layer-${index}`);
    const plain = writeTar(file, entries);
    contents.push(`sha256:${plain.digest}`);
    const stored = image.gzip === true ? await compress(file) : { ...plain, file };
    blobs.push(blob(stored.digest, { file: stored.file }));
    const type = `application/vnd.oci.image.layer.v1.tar${image.gzip === true ? "+gzip" : ""}`;
    descriptors.push(descriptor(type, stored));
  }
  const keep = (mediaType: string, value: object): Descriptor => {
    const text = JSON.stringify(value);
    const digest = createHash("sha256").update(text).digest("hex");
    blobs.push(blob(digest, { text }));
    return descriptor(mediaType, { digest, bytes: Buffer.byteLength(text) });
  };
  const architecture = architectures[process.arch] ?? process.arch;
  const config = keep("application/vnd.oci.image.config.v1+json", {
    architecture,
    os: "linux",
    config: {
      Entrypoint: image.entrypoint,
      Env: Object.entries({ PATH: "/usr/local/bin:/usr/bin:/bin:/sbin", ...image.env }).map(
        ([name, value]) => `${name}=${value}`,
      ),
      ...(image.user === undefined ? {} : { User: image.user }),
      ...(image.labels === undefined ? {} : { Labels: image.labels }),
      WorkingDir: "/",
    },
    rootfs: { type: "layers", diff_ids: contents },
  });
  const manifestType = "application/vnd.oci.image.manifest.v1+json";
  const manifest = keep(manifestType, {
    schemaVersion: 2,
    mediaType: manifestType,
    config,
    layers: descriptors,
  });
  const index = {
    schemaVersion: 2,
    mediaType: "application/vnd.oci.image.index.v1+json",
    manifests: image.names.map((name) => ({
      ...manifest,
      platform: { architecture, os: "linux" },
      annotations: {
        "io.containerd.image.name": name,
        "org.opencontainers.image.ref.name": name.slice(name.lastIndexOf(":") + 1),
      },
    })),
  };
  writeTar(archive, [
    { path: "oci-layout", content: { text: JSON.stringify({ imageLayoutVersion: "1.0.0" }) } },
    { path: "index.json", content: { text: JSON.stringify(index) } },
    // Two layers may be equal.
    ...new Map(blobs.map((entry) => [entry.path, entry])).values(),
  ]);
  return manifest.digest;
}

interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}
function descriptor(mediaType: string, { digest, bytes }: Written): Descriptor {
  return { mediaType, digest: `sha256:${digest}`, size: bytes };
}
function blob(digest: string, content: TarEntry["content"]): TarEntry {
  return { path: `blobs/sha256/${digest}`, content };
}

async function compress(file: string): Promise<Written & { readonly file: string }> {
  const hash = createHash("sha256");
  let bytes = 0;
  const target = `${file}.gz`;
  await pipeline(
    createReadStream(file),
    createGzip({ level: 6 }),
    async function* (chunks: AsyncIterable<Buffer>) {
      for await (const chunk of chunks) {
        hash.update(chunk);
        bytes += chunk.length;
        yield chunk;
      }
    },
    createWriteStream(target),
  );
  return { file: target, digest: hash.digest("hex"), bytes };
}
