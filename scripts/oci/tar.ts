/** Writes tar archives (ustar) of which every byte follows from what is put in: names sorted, no times, no owners. */
import { createHash } from "node:crypto";
import { closeSync, openSync, readSync, statSync, writeSync } from "node:fs";

export type TarContent =
  | { readonly text: string | Uint8Array }
  /** A file on disk. */
  | { readonly file: string }
  /** A symbolic link. */
  | { readonly link: string }
  | { readonly folder: true };
export interface TarEntry {
  /** No slash in front. */
  readonly path: string;
  readonly content: TarContent;
  /** Default: 0o755 for folders, 0o644 for anything else. */
  readonly mode?: number;
}
export interface Written {
  /** SHA-256 as hexadecimal text. */
  readonly digest: string;
  readonly bytes: number;
}

const block = 512;
const chunkBytes = 1024 * 1024;

/** Folders on the way to an entry are added. Throws for paths that the format cannot hold, and for two entries of one path. */
export function writeTar(target: string, entries: readonly TarEntry[]): Written {
  const out = openSync(target, "w");
  const hash = createHash("sha256");
  let bytes = 0;
  const put = (data: Uint8Array): void => {
    hash.update(data);
    for (let at = 0; at < data.length;) at += writeSync(out, data, at);
    bytes += data.length;
  };
  try {
    for (const entry of withFolders(entries)) {
      const size = sizeOf(entry.content);
      put(header(entry, size));
      if ("text" in entry.content) put(Buffer.from(entry.content.text));
      else if ("file" in entry.content) copyFile(entry.content.file, size, put);
      put(Buffer.alloc((block - (size % block)) % block));
    }
    put(Buffer.alloc(2 * block));
  } finally {
    closeSync(out);
  }
  return { digest: hash.digest("hex"), bytes };
}

function withFolders(entries: readonly TarEntry[]): readonly TarEntry[] {
  const all = new Map<string, TarEntry>();
  for (const entry of entries) {
    if (all.has(entry.path)) throw new Error(`Two entries "${entry.path}" in one archive`);
    all.set(entry.path, entry);
  }
  for (const { path } of entries)
    for (let at = path.indexOf("/"); at !== -1; at = path.indexOf("/", at + 1)) {
      const folder = path.slice(0, at);
      if (!all.has(folder)) all.set(folder, { path: folder, content: { folder: true } });
    }
  return [...all.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
}

function sizeOf(content: TarContent): number {
  if ("text" in content) return Buffer.byteLength(content.text);
  return "file" in content ? statSync(content.file).size : 0;
}

function copyFile(file: string, size: number, put: (data: Uint8Array) => void): void {
  const from = openSync(file, "r");
  const chunk = Buffer.alloc(Math.min(chunkBytes, size));
  try {
    for (let left = size; left > 0;) {
      const read = readSync(from, chunk, 0, Math.min(chunk.length, left), null);
      if (read === 0) throw new Error(`"${file}" became shorter while it was read`);
      put(chunk.subarray(0, read));
      left -= read;
    }
  } finally {
    closeSync(from);
  }
}

function header({ path, content, mode }: TarEntry, size: number): Uint8Array {
  const isFolder = "folder" in content;
  const link = "link" in content ? content.link : "";
  const [prefix, name] = splitPath(isFolder ? `${path}/` : path);
  if (Buffer.byteLength(link) > 100) throw new Error(`The link target "${link}" is too long`);
  const out = Buffer.alloc(block);
  const octal = (value: number, at: number, length: number): void => {
    out.write(value.toString(8).padStart(length - 1, "0"), at);
  };
  out.write(name, 0);
  octal(mode ?? (isFolder ? 0o755 : link === "" ? 0o644 : 0o777), 100, 8);
  octal(0, 108, 8);
  octal(0, 116, 8);
  octal(size, 124, 12);
  octal(0, 136, 12);
  out.write(isFolder ? "5" : link === "" ? "0" : "2", 156);
  out.write(link, 157);
  out.write("ustar\0" + "00", 257);
  out.write(prefix, 345);
  // The sum is made with blanks in its own place.
  out.write("        ", 148);
  octal(
    out.reduce((sum, byte) => sum + byte, 0),
    148,
    7,
  );
  out[154] = 0;
  return out;
}

/** ustar has 100 bytes for a name and 155 for the folders before it. */
function splitPath(path: string): readonly [prefix: string, name: string] {
  if (Buffer.byteLength(path) <= 100) return ["", path];
  for (let at = path.indexOf("/"); at !== -1; at = path.indexOf("/", at + 1)) {
    const [prefix, name] = [path.slice(0, at), path.slice(at + 1)];
    if (name !== "" && Buffer.byteLength(name) <= 100 && Buffer.byteLength(prefix) <= 155)
      return [prefix, name];
  }
  throw new Error(`The path "${path}" is too long for a tar archive`);
}
