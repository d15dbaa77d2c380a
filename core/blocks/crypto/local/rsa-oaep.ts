import { importJwk, publicJwk } from "#core/blocks/crypto/keys/jwk.ts";
import type { Jwk } from "#core/ports/crypto-provider.ts";
import { bytesOf } from "#core/util/bytes.ts";

const name = "RSA-OAEP";
const hashes: Readonly<Record<string, string>> = {
  "RSA-OAEP": "SHA-1",
  "RSA-OAEP-256": "SHA-256",
  "RSA-OAEP-384": "SHA-384",
  "RSA-OAEP-512": "SHA-512",
};
/** The hash of an OAEP algorithm by its JWA name; `undefined` for any other name. */
export function oaepHash(algorithm: string): string | undefined {
  return Object.hasOwn(hashes, algorithm) ? hashes[algorithm] : undefined;
}

export async function encryptOaep(
  jwk: Jwk,
  hash: string,
  plaintext: Uint8Array,
  label: Uint8Array | undefined,
): Promise<Uint8Array> {
  const key = await importJwk(publicJwk(jwk), { name, hash }, ["encrypt"]);
  return new Uint8Array(await crypto.subtle.encrypt(parameters(label), key, bytesOf(plaintext)));
}

export async function decryptOaep(
  jwk: Jwk,
  hash: string,
  ciphertext: Uint8Array,
  label: Uint8Array | undefined,
): Promise<Uint8Array> {
  const key = await importJwk(jwk, { name, hash }, ["decrypt"]);
  return new Uint8Array(await crypto.subtle.decrypt(parameters(label), key, bytesOf(ciphertext)));
}

function parameters(label: Uint8Array | undefined): RsaOaepParams {
  return label && label.length > 0 ? { name, label: bytesOf(label) } : { name };
}
