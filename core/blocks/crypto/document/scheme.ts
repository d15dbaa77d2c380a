/** The document format `dapr.io/enc/v1`: three lines of header, then segments, each sealed on its own. */
export const schemeName = "dapr.io/enc/v1";
/** Plaintext of every segment but the last, and the most that a header may have. */
export const segmentBytes: number = 64 * 1024;
/** What sealing adds to a segment. */
export const tagBytes = 16;
export const fileKeyBytes = 32;
export const noncePrefixBytes = 7;

/** How the file key is wrapped; the number in a manifest is the place in this list, from 1. */
export const keyAlgorithms = [
  "A256KW",
  "A128CBC-NOPAD",
  "A192CBC-NOPAD",
  "A256CBC-NOPAD",
  "RSA-OAEP-256",
] as const;
export type KeyAlgorithm = (typeof keyAlgorithms)[number];

/** How segments are sealed; numbered alike. */
export const ciphers = ["AES-GCM", "CHACHA20-POLY1305"] as const;
export type Cipher = (typeof ciphers)[number];

const aliases: Readonly<Record<string, KeyAlgorithm>> = { AES: "A256KW", RSA: "RSA-OAEP-256" };

/** In any letter case, or an alias; throws for anything else. */
export function keyAlgorithmOf(text: string): KeyAlgorithm {
  const name = text.toUpperCase();
  const found = keyAlgorithms.find((each) => each === name) ?? aliases[name];
  if (found === undefined)
    throw new Error(`option Algorithm is not valid: algorithm ${name} is not supported`);
  return found;
}

/** In any letter case; AES-GCM where nothing is asked for. */
export function cipherOf(text: string): Cipher {
  if (text === "") return "AES-GCM";
  const name = text.toUpperCase();
  const found = ciphers.find((each) => each === name);
  if (found === undefined)
    throw new Error(`option Cipher is not valid: cipher ${name} is not supported`);
  return found;
}

const cbcNonce = new Uint8Array(16);
/** The format has no place for a nonce. A file key is random and wrapped once, and the header's MAC guards it, so that a fixed one does for CBC. */
export function wrapNonce(algorithm: KeyAlgorithm): { readonly nonce?: Uint8Array } {
  return algorithm.endsWith("CBC-NOPAD") ? { nonce: cbcNonce } : {};
}
