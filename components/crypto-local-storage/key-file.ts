import { constants, open, realpath } from "node:fs/promises";
import { join, sep } from "node:path";
import type { CallOptions } from "#core/ports/component.ts";

const maxBytes = 1024 * 1024;

/** A key's file. Rejects for a name that leads out of the directory, by itself or through a link; says nothing of where the directory is. */
export async function readKeyFile(
  root: string,
  name: string,
  { signal }: CallOptions,
): Promise<Uint8Array> {
  if (name.includes("..")) throw new Error("invalid key path: cannot contain '..'");
  const path = await find(root, name);
  if (path === undefined) throw new Error(`failed to load key '${name}': no such file`);
  signal.throwIfAborted();
  // Never waits for a writer, should the name be a pipe's.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const status = await file.stat();
    if (!status.isFile()) throw new Error(`failed to load key '${name}': it is not a file`);
    if (status.size > maxBytes)
      throw new Error(`failed to load key '${name}': it is larger than ${maxBytes} bytes`);
    const bytes = new Uint8Array(status.size);
    const { bytesRead } = await file.read(bytes, 0, bytes.length, 0);
    return bytes.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

async function find(root: string, name: string): Promise<string | undefined> {
  if (name === "" || name.includes("\0")) return undefined;
  try {
    const path = await realpath(join(root, name));
    return path.startsWith(root.endsWith(sep) ? root : root + sep) ? path : undefined;
  } catch {
    return undefined;
  }
}
