import { fromBase64, toBase64 } from "#core/util/base64.ts";
import { isRecord } from "#core/util/json.ts";
import {
  type Cipher,
  ciphers,
  type KeyAlgorithm,
  keyAlgorithms,
  noncePrefixBytes,
} from "./scheme.ts";

/** The header's second line. */
export interface Manifest {
  /** Name of the key that unwraps the file key; empty when the document does not say. */
  readonly keyName: string;
  readonly algorithm: KeyAlgorithm;
  readonly wrappedKey: Uint8Array;
  readonly cipher: Cipher;
  readonly noncePrefix: Uint8Array;
}

export function manifestText(manifest: Manifest): string {
  return JSON.stringify({
    ...(manifest.keyName === "" ? {} : { k: manifest.keyName }),
    kw: keyAlgorithms.indexOf(manifest.algorithm) + 1,
    wfk: toBase64(manifest.wrappedKey),
    cph: ciphers.indexOf(manifest.cipher) + 1,
    np: toBase64(manifest.noncePrefix),
  });
}

/** Throws without saying what is wrong: whoever probes must not learn it. */
export function parseManifest(text: string): Manifest {
  const manifest = read(text);
  if (!manifest) throw new Error("invalid header: invalid manifest");
  return manifest;
}

function read(text: string): Manifest | undefined {
  try {
    const fields: unknown = JSON.parse(text);
    if (!isRecord(fields)) return undefined;
    const { k = "", kw, wfk, cph, np } = fields;
    const algorithm = keyAlgorithms[Number(kw) - 1];
    const cipher = ciphers[Number(cph) - 1];
    if (typeof k !== "string" || typeof wfk !== "string" || typeof np !== "string")
      return undefined;
    if (typeof kw !== "number" || typeof cph !== "number" || !algorithm || !cipher)
      return undefined;
    const wrappedKey = fromBase64(wfk);
    const noncePrefix = fromBase64(np);
    if (wrappedKey.length === 0 || noncePrefix.length !== noncePrefixBytes) return undefined;
    return { keyName: k, algorithm, wrappedKey, cipher, noncePrefix };
  } catch {
    return undefined;
  }
}
