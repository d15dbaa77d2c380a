import { checkUse, publicJwk, secretOf } from "#core/blocks/crypto/keys/jwk.ts";
import { messageOf } from "#core/errors/component-error.ts";
import type { CallOptions } from "#core/ports/component.ts";
import type { CryptoProvider, Jwk, KeyUse, Sealed } from "#core/ports/crypto-provider.ts";
import { decryptOaep, encryptOaep, oaepHash } from "./rsa-oaep.ts";
import type { SignatureAlgorithm } from "./signature-algorithm.ts";
import { signatureAlgorithms } from "./signatures.ts";
import { openWith, sealWith, symmetricAlgorithms } from "./symmetric.ts";

/** Finds a key by its name; rejects when there is none. */
export type FindKey = (name: string, options: CallOptions) => Promise<Jwk>;

/** A provider that has its keys at hand and computes here. */
export function localProvider(find: FindKey): Omit<CryptoProvider, typeof Symbol.asyncDispose> {
  const keyFor = async (
    use: KeyUse,
    operation: Parameters<typeof checkUse>[1],
    options: CallOptions,
  ): Promise<Jwk> => {
    const what = operation.endsWith("Key") ? "key encryption key" : "key";
    const jwk = await saying(`failed to retrieve the ${what}`, find(use.key, options));
    checkUse(jwk, operation, use.algorithm);
    return jwk;
  };
  return {
    publicKey: async (name, options) => publicJwk(await find(name, options)),
    encrypt: async (plaintext, use, options) =>
      seal(await keyFor(use, "encrypt", options), plaintext, use),
    decrypt: async (sealed, use, options) =>
      open(await keyFor(use, "decrypt", options), sealed, use),
    wrapKey: async (plaintextKey, use, options) =>
      seal(await keyFor(use, "wrapKey", options), plaintextKey, use),
    unwrapKey: async (sealed, use, options) =>
      open(await keyFor(use, "unwrapKey", options), sealed, use),
    sign: async (digest, use, options) => {
      const jwk = await keyFor(use, "sign", options);
      return saying("failed to sign message", signer(use).sign(jwk, digest));
    },
    verify: async (digest, signature, use, options) => {
      const jwk = await keyFor(use, "verify", options);
      return saying("failed to validate the signature", signer(use).verify(jwk, digest, signature));
    },
  };
}

async function seal(jwk: Jwk, plaintext: Uint8Array, use: KeyUse): Promise<Sealed> {
  return saying("failed to encrypt data", sealed(jwk, plaintext, use));
}
async function sealed(jwk: Jwk, plaintext: Uint8Array, use: KeyUse): Promise<Sealed> {
  const { algorithm, nonce, associatedData } = use;
  const hash = oaepHash(algorithm);
  if (hash !== undefined)
    return { ciphertext: await encryptOaep(checked(jwk, "RSA"), hash, plaintext, associatedData) };
  const symmetric = symmetricAlgorithms.get(algorithm);
  if (!symmetric) throw unsupported();
  return sealWith(symmetric, secret(jwk), plaintext, nonce, associatedData);
}

async function open(jwk: Jwk, from: Sealed, use: KeyUse): Promise<Uint8Array> {
  return saying("failed to decrypt data", opened(jwk, from, use));
}
async function opened(jwk: Jwk, from: Sealed, use: KeyUse): Promise<Uint8Array> {
  const { algorithm, nonce, associatedData } = use;
  const hash = oaepHash(algorithm);
  if (hash !== undefined)
    return decryptOaep(checked(jwk, "RSA"), hash, from.ciphertext, associatedData);
  const symmetric = symmetricAlgorithms.get(algorithm);
  if (!symmetric) throw unsupported();
  return openWith(symmetric, secret(jwk), from, nonce, associatedData);
}

function signer({ algorithm }: KeyUse): SignatureAlgorithm {
  const found = signatureAlgorithms.get(algorithm);
  if (!found) throw unsupported();
  return found;
}
function checked(jwk: Jwk, kty: string): Jwk {
  if (jwk.kty !== kty) throw new Error("key type mismatch");
  return jwk;
}
function secret(jwk: Jwk): Uint8Array<ArrayBuffer> {
  const bytes = secretOf(jwk);
  if (!bytes) throw new Error("key type mismatch");
  return bytes;
}
function unsupported(): Error {
  return new Error("unsupported algorithm");
}

async function saying<T>(what: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (reason) {
    throw new Error(`${what}: ${messageOf(reason)}`, { cause: reason });
  }
}
