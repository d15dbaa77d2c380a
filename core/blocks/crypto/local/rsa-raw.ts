import { base64UrlBytes } from "#core/blocks/crypto/keys/jwk.ts";
import type { Jwk } from "#core/ports/crypto-provider.ts";

/**
 * RSA on what is padded already: WebCrypto hashes what it signs, and cannot take a digest.
 * Arithmetic on big integers takes a time that depends on them, so that what a secret exponent
 * meets is blinded.
 */
interface PublicKey {
  readonly n: bigint;
  readonly e: bigint;
  /** Length of the modulus. */
  readonly bits: number;
}

export function rsaPublicKey(jwk: Jwk): PublicKey {
  if (jwk.kty !== "RSA") throw new Error("key type mismatch");
  const n = integer(base64UrlBytes(jwk["n"]));
  const bits = n.toString(2).length;
  if (bits < minBits || bits > maxBits) throw new Error("unsupported size of RSA key");
  return { n, e: integer(base64UrlBytes(jwk["e"])), bits };
}
const minBits = 1024;
const maxBits = 16_384;

/** Recovers the padded text; an empty one for a signature that is out of range. */
export function rsaVerifyRaw({ n, e, bits }: PublicKey, signature: Uint8Array): Uint8Array {
  const size = Math.ceil(bits / 8);
  if (signature.length !== size) return new Uint8Array(0);
  const s = integer(signature);
  return s < n ? bytes(power(s, e, n), size) : new Uint8Array(0);
}

/** Signs a padded text as long as the modulus. */
export function rsaSignRaw(jwk: Jwk, padded: Uint8Array): Uint8Array {
  const { n, e, bits } = rsaPublicKey(jwk);
  const text = integer(padded);
  const blind =
    1n + (integer(crypto.getRandomValues(new Uint8Array(Math.ceil(bits / 8) + 8))) % (n - 1n));
  const blinded = (text * power(blind, e, n)) % n;
  const signature = (privatePower(jwk, blinded, n) * inverse(blind, n)) % n;
  // A fault in one half of the computation would give the key away.
  if (power(signature, e, n) !== text) throw new Error("the key does not fit itself");
  return bytes(signature, Math.ceil(bits / 8));
}

function privatePower(jwk: Jwk, base: bigint, n: bigint): bigint {
  const member = (name: string): bigint => integer(base64UrlBytes(jwk[name]));
  if (!("d" in jwk)) throw new Error("key type mismatch");
  if (!["p", "q", "dp", "dq", "qi"].every((name) => name in jwk) || "oth" in jwk)
    return power(base, member("d"), n);
  const [p, q] = [member("p"), member("q")];
  const ofP = power(base % p, member("dp"), p);
  const ofQ = power(base % q, member("dq"), q);
  const h = (((ofP - ofQ) % p) + p) * member("qi");
  return ofQ + (h % p) * q;
}

/** Four bits of the exponent at a time. */
function power(base: bigint, exponent: bigint, modulus: bigint): bigint {
  const table = [1n];
  for (let i = 1; i < 16; i++) table.push(((table[i - 1] as bigint) * base) % modulus);
  let out = 1n;
  for (const digit of exponent.toString(16)) {
    for (let i = 0; i < 4; i++) out = (out * out) % modulus;
    out = (out * (table[Number.parseInt(digit, 16)] as bigint)) % modulus;
  }
  return out;
}

function inverse(value: bigint, modulus: bigint): bigint {
  let [r0, r1] = [modulus, value % modulus];
  let [t0, t1] = [0n, 1n];
  while (r1 !== 0n) {
    const quotient = r0 / r1;
    [r0, r1] = [r1, r0 - quotient * r1];
    [t0, t1] = [t1, t0 - quotient * t1];
  }
  if (r0 !== 1n) throw new Error("the key is not an RSA key");
  return t0 < 0n ? t0 + modulus : t0;
}

export function integer(value: Uint8Array): bigint {
  let hex = "0x0";
  for (const byte of value) hex += byte.toString(16).padStart(2, "0");
  return BigInt(hex);
}
function bytes(value: bigint, size: number): Uint8Array {
  const hex = value.toString(16).padStart(size * 2, "0");
  return Uint8Array.from({ length: size }, (_, i) =>
    Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16),
  );
}
