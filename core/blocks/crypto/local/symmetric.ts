import type { Sealed } from "#core/ports/crypto-provider.ts";
import { bytesOf } from "#core/util/bytes.ts";
import { chaCha, gcm } from "./aead.ts";
import { cbcHmac } from "./cbc-hmac.ts";
import { cbc, cbcUnpadded } from "./cbc.ts";
import { keyWrap } from "./key-wrap.ts";
import { type Bytes, joined, type SymmetricAlgorithm } from "./symmetric-algorithm.ts";

/** By JWA's names, and Dapr's own. */
export const symmetricAlgorithms: ReadonlyMap<string, SymmetricAlgorithm> = new Map([
  ...[16, 24, 32].flatMap((keyBytes): ReadonlyArray<readonly [string, SymmetricAlgorithm]> => {
    const name = `A${keyBytes * 8}`;
    return [
      [`${name}CBC`, cbc(keyBytes)],
      [`${name}CBC-NOPAD`, cbcUnpadded(keyBytes)],
      [`${name}GCM`, gcm(keyBytes)],
      [`${name}KW`, keyWrap(keyBytes)],
    ];
  }),
  ["A128CBC-HS256", cbcHmac(16, "SHA-256")],
  ["A192CBC-HS384", cbcHmac(24, "SHA-384")],
  ["A256CBC-HS512", cbcHmac(32, "SHA-512")],
  ["C20P", chaCha(12)],
  ["C20PKW", chaCha(12)],
  ["XC20P", chaCha(24)],
  ["XC20PKW", chaCha(24)],
]);

const none: Bytes = new Uint8Array(0);

/** Encrypts; throws in Dapr's words for a key or nonce of the wrong size. */
export async function sealWith(
  algorithm: SymmetricAlgorithm,
  key: Bytes,
  plaintext: Uint8Array,
  nonce: Uint8Array = none,
  associatedData: Uint8Array = none,
): Promise<Sealed> {
  check(algorithm, key, nonce);
  const { tagBytes } = algorithm;
  const sealed = await algorithm.seal(
    bytesOf(plaintext),
    key,
    bytesOf(nonce),
    bytesOf(associatedData),
  );
  if (tagBytes === 0) return { ciphertext: sealed };
  return { ciphertext: sealed.subarray(0, -tagBytes), tag: sealed.subarray(-tagBytes) };
}

/** Decrypts; throws for what was changed, where the algorithm can tell. */
export async function openWith(
  algorithm: SymmetricAlgorithm,
  key: Bytes,
  { ciphertext, tag = none }: Sealed,
  nonce: Uint8Array = none,
  associatedData: Uint8Array = none,
): Promise<Uint8Array> {
  check(algorithm, key, nonce);
  const { tagBytes } = algorithm;
  if (tagBytes !== 0 && tag.length !== tagBytes) throw new Error("invalid tag");
  const sealed = tagBytes === 0 ? bytesOf(ciphertext) : joined(ciphertext, tag);
  return algorithm.open(sealed, key, bytesOf(nonce), bytesOf(associatedData));
}

function check({ keyBytes, nonceBytes }: SymmetricAlgorithm, key: Bytes, nonce: Uint8Array): void {
  if (key.length !== keyBytes) throw new Error("key type mismatch");
  if (nonceBytes !== 0 && nonce.length !== nonceBytes) throw new Error("invalid nonce");
}
