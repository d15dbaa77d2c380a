import { constants } from "node:fs";
import { type FileHandle, open as openFile, opendir, rmdir, stat, unlink } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { ComponentError, messageOf } from "#core/errors/component-error.ts";
import type { BindingData, OutputBinding } from "#core/ports/bindings.ts";
import { type CallOptions, noMetadata } from "#core/ports/component.ts";
import type { ComponentSpec } from "#core/ports/manifest.ts";
import { payloadOf } from "./payload.ts";
import { fileBelow, isCode, openRoot } from "./root.ts";
import { isTemporary, syncDirectory, writeFile } from "./write-file.ts";

const maxFileBytes = 100 * 1024 * 1024;
const maxListed = 100_000;
type Work = (
  root: string,
  name: string,
  request: BindingData,
  options: CallOptions,
) => Promise<BindingData | undefined>;

export async function open(spec: ComponentSpec): Promise<OutputBinding> {
  const root = await openRoot(spec.metadata["rootpath"] ?? "");
  return {
    operations: Object.keys(works),
    invoke: async (operation, request, options) => {
      const work = Object.hasOwn(works, operation) ? works[operation] : undefined;
      if (!work) throw new ComponentError("unsupported", `unsupported operation ${operation}`);
      options.signal.throwIfAborted();
      return work(root, request.metadata["fileName"] ?? "", request, options);
    },
    [Symbol.asyncDispose]: async () => {},
  };
}

const works: Readonly<Record<string, Work>> = {
  create: async (root, asked, { data }) => {
    const name = asked === "" ? crypto.randomUUID() : asked;
    const path = await fileBelow(root, name);
    if (path === root)
      throw new ComponentError("rejected", `error creating file ${path}: it is a directory`);
    await failing(`error writing to file ${path}`, () =>
      writeFile(path, payloadOf(data ?? "null")),
    );
    return json({ fileName: relative(root, path) });
  },
  get: async (root, name, _request, options) => {
    const path = await fileBelow(root, named(name));
    const data = await failing(
      `error reading file ${path}`,
      () => readWhole(path, options),
      `file not found: ${path}`,
    );
    return { data, metadata: noMetadata };
  },
  delete: async (root, name) => {
    const path = await fileBelow(root, named(name));
    await failing(`error deleting file ${path}`, async () => {
      await ((await stat(path)).isDirectory() ? rmdir(path) : unlink(path));
      await syncDirectory(dirname(path));
    });
    return undefined;
  },
  list: async (root, name, _request, options) => {
    const path = await fileBelow(root, name);
    const info = await failing(`error getting stats for path ${path}`, () => stat(path));
    if (!info.isDirectory())
      throw new ComponentError(
        "rejected",
        `unable to list files as the file specified is not a directory: ${path}`,
      );
    const files: string[] = [];
    await failing(`error listing files in the directory ${path}`, () => walk(path, files, options));
    return json(files.sort());
  },
};

function named(name: string): string {
  if (name === "")
    throw new ComponentError("rejected", "metadata fileName is missing; give the name of a file");
  return name;
}

function json(value: unknown): BindingData {
  return { data: JSON.stringify(value), metadata: noMetadata };
}

async function readWhole(path: string, { signal }: CallOptions): Promise<Uint8Array> {
  // A pipe would hold the call for ever.
  const file = await openFile(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  try {
    return await readFile(file, signal);
  } finally {
    await file.close();
  }
}
async function readFile(file: FileHandle, signal: AbortSignal): Promise<Uint8Array> {
  const info = await file.stat();
  if (!info.isFile()) throw new ComponentError("rejected", "it is not a regular file");
  if (info.size > maxFileBytes)
    throw new ComponentError("rejected", `it is larger than ${maxFileBytes} bytes`);
  const bytes = new Uint8Array(info.size);
  let used = 0;
  while (used < bytes.length) {
    signal.throwIfAborted();
    const { bytesRead } = await file.read(bytes, used, bytes.length - used, used);
    if (bytesRead === 0) break;
    used += bytesRead;
  }
  return bytes.subarray(0, used);
}

/** Dapr: links are listed, not followed. */
async function walk(directory: string, files: string[], options: CallOptions): Promise<void> {
  for await (const entry of await opendir(directory)) {
    options.signal.throwIfAborted();
    const path = join(directory, entry.name);
    if (entry.isDirectory()) await walk(path, files, options);
    else if (!isTemporary(entry.name)) files.push(path);
    if (files.length > maxListed)
      throw new ComponentError(
        "rejected",
        `there are more than ${maxListed} files; list a directory below it`,
      );
  }
}

async function failing<T>(what: string, work: () => Promise<T>, missing?: string): Promise<T> {
  try {
    return await work();
  } catch (reason) {
    const text =
      missing !== undefined && isCode(reason, "ENOENT") ? missing : `${what}: ${messageOf(reason)}`;
    throw new ComponentError("rejected", text, { cause: reason });
  }
}
