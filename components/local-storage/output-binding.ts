import { mkdir, open as openFile, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { optionsOf } from "#components/_shared/options.ts";
import { ComponentError } from "#core/errors/component-error.ts";
import type { BindingData, OutputBinding } from "#core/ports/bindings.ts";
import { type Data, noMetadata } from "#core/ports/component.ts";
import type { ComponentSpec, OptionTable } from "#core/ports/manifest.ts";
import { resolveInside, resolveRoot } from "./inside.ts";

/** Larger files are not read into memory. */
const maxReadBytes = 100 * 1024 * 1024;

export async function open(spec: ComponentSpec, table: OptionTable): Promise<OutputBinding> {
  const root = await resolveRoot(optionsOf(spec, table).text("rootPath") ?? "");
  return {
    operations: ["create", "get", "list", "delete"],
    invoke: async (operation, { data, metadata }) => {
      const name = metadata["fileName"] || (operation === "create" ? crypto.randomUUID() : "");
      try {
        const path = await resolveInside(root, name);
        switch (operation) {
          case "create":
            return await create(root, path, data ?? "");
          case "get":
            return await get(path);
          case "list":
            return await list(path);
          default:
            return await remove(root, path);
        }
      } catch (reason) {
        throw ComponentError.is(reason)
          ? reason
          : new ComponentError("rejected", (reason as Error).message, { cause: reason });
      }
    },
    [Symbol.asyncDispose]: async () => {},
  };
}

async function create(root: string, path: string, data: Data): Promise<BindingData> {
  if (path === root) throw new ComponentError("rejected", "fileName names the root folder");
  await mkdir(dirname(path), { recursive: true });
  const temporary = join(dirname(path), `.${crypto.randomUUID()}.tmp`);
  try {
    const file = await openFile(temporary, "wx");
    try {
      await file.writeFile(contentOf(data));
      // Acknowledged means that it is on disk.
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (reason) {
    await rm(temporary, { force: true });
    throw reason;
  }
  return answer(JSON.stringify({ fileName: relative(root, path) }));
}

/** Dapr: a JSON string is unquoted, and what then is base64 is decoded. */
function contentOf(data: Data): Uint8Array {
  const text = unquoted(typeof data === "string" ? data : new TextDecoder().decode(data));
  if (text === undefined) return typeof data === "string" ? Buffer.from(data) : data;
  return isBase64(text) ? Buffer.from(text, "base64") : Buffer.from(text);
}
function unquoted(text: string): string | undefined {
  if (!text.startsWith('"')) return isBase64(text) ? text : undefined;
  try {
    return JSON.parse(text) as string;
  } catch {
    return undefined;
  }
}
function isBase64(text: string): boolean {
  return text.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(text);
}

async function get(path: string): Promise<BindingData> {
  const info = await stat(path).catch((reason: NodeJS.ErrnoException) => {
    throw new ComponentError(
      "rejected",
      reason.code === "ENOENT" ? `file not found: ${path}` : reason.message,
    );
  });
  if (!info.isFile()) throw new ComponentError("rejected", `not a file: ${path}`);
  if (info.size > maxReadBytes)
    throw new ComponentError(
      "rejected",
      `file ${path} has ${info.size} bytes; the limit is ${maxReadBytes}`,
    );
  return { data: await readFile(path), metadata: noMetadata };
}

async function list(path: string): Promise<BindingData> {
  const info = await stat(path);
  if (!info.isDirectory())
    throw new ComponentError(
      "rejected",
      `unable to list files as the file specified is not a directory: ${path}`,
    );
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
  return answer(JSON.stringify(files.sort()));
}

async function remove(root: string, path: string): Promise<undefined> {
  if (path === root)
    throw new ComponentError("rejected", "fileName is missing; name the file to delete");
  await rm(path);
  return undefined;
}

function answer(data: string): BindingData {
  return { data, metadata: noMetadata };
}
