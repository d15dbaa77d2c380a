import { realpath, stat } from "node:fs/promises";
import { extname } from "node:path";
import { optionsOf } from "#components/_shared/options.ts";
import { type KeyFormat, parseKey } from "#core/blocks/crypto/keys/parse-key.ts";
import { localProvider } from "#core/blocks/crypto/local/local-provider.ts";
import { messageOf } from "#core/errors/component-error.ts";
import type { CryptoProvider } from "#core/ports/crypto-provider.ts";
import type { ComponentSpec } from "#core/ports/manifest.ts";
import { keys as manifest } from "./manifest.ts";
import { readKeyFile } from "./key-file.ts";

export async function open(spec: ComponentSpec): Promise<CryptoProvider> {
  const path = optionsOf(spec, manifest.options).text("path");
  if (path === undefined) throw new Error("metadata property 'path' is required");
  const root = await directory(path);
  return {
    // Read each time, as Dapr does: a key that is replaced counts at once.
    ...localProvider(async (name, options) => {
      const raw = await readKeyFile(root, name, options);
      try {
        return await parseKey(raw, formats[extname(name).toLowerCase()]);
      } catch (reason) {
        throw new Error(`failed to parse key from secret: ${messageOf(reason)}`, {
          cause: reason,
        });
      }
    }),
    [Symbol.asyncDispose]: async () => {},
  };
}

const formats: Readonly<Record<string, KeyFormat>> = { ".json": "jwk", ".pem": "pem" };

async function directory(path: string): Promise<string> {
  let isDirectory: boolean;
  try {
    isDirectory = (await stat(path)).isDirectory();
  } catch (reason) {
    throw new Error(`could not stat path '${path}': ${messageOf(reason)}`, { cause: reason });
  }
  if (!isDirectory) throw new Error(`path '${path}' is not a directory`);
  return realpath(path);
}
