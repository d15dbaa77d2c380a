import { type KeySet, maxBytes, parseKeySet } from "#components/_shared/jwks/key-set.ts";
import { openKeySet } from "#components/_shared/jwks/provider.ts";
import { open as openFile, stat } from "node:fs/promises";
import { messageOf } from "#core/errors/component-error.ts";
import type { CryptoProvider, Jwk } from "#core/ports/crypto-provider.ts";
import type { ComponentSpec, Host } from "#core/ports/manifest.ts";

export function open(spec: ComponentSpec, host: Host): Promise<CryptoProvider> {
  return openKeySet(spec, host, fileKeySet);
}

/** A set from a file, which counts as it is when a key is used; one that cannot be read any more stays. */
async function fileKeySet(path: string, { log }: Host): Promise<KeySet | undefined> {
  if (!(await isFile(path))) return undefined;
  let keys = await readKeySet(path);
  return async () => {
    try {
      keys = await readKeySet(path);
    } catch (reason) {
      log.warn(`The key set stays as it is: ${messageOf(reason)}`);
    }
    return keys;
  };
}

async function isFile(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isFile();
  } catch {
    return false;
  }
}

async function readKeySet(path: string): Promise<readonly Jwk[]> {
  const file = await openFile(path);
  try {
    const { size } = await file.stat();
    if (size > maxBytes) throw new Error(`failed to read JWKS file: over ${maxBytes} bytes`);
    const { buffer, bytesRead } = await file.read(new Uint8Array(size), 0, size, 0);
    return parseKeySet(new TextDecoder().decode(buffer.subarray(0, bytesRead)));
  } finally {
    await file.close();
  }
}
