import type { Jwk } from "#core/ports/crypto-provider.ts";
import { isRecord } from "#core/util/json.ts";

/** What a JWK's `key_ops` may name. */
export type KeyOperation = "encrypt" | "decrypt" | "wrapKey" | "unwrapKey" | "sign" | "verify";

const kinds: ReadonlySet<unknown> = new Set(["RSA", "EC", "OKP", "oct"]);

/** A parsed JSON value as a key; throws for what is none. */
export function jwkOf(value: unknown): Jwk {
  if (!isRecord(value)) throw new Error("a JWK is a JSON object");
  if (!kinds.has(value["kty"])) throw new Error("invalid key type");
  return value as unknown as Jwk;
}

/** The bytes of a symmetric key; `undefined` for any other. */
export function secretOf(jwk: Jwk): Uint8Array<ArrayBuffer> | undefined {
  return jwk.kty === "oct" ? base64UrlBytes(jwk["k"]) : undefined;
}

export function secretJwk(bytes: Uint8Array): Jwk {
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  const k = btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
  return { kty: "oct", k };
}

/** Decodes base64url without padding; throws for anything else. */
export function base64UrlBytes(value: unknown): Uint8Array<ArrayBuffer> {
  if (typeof value !== "string" || !/^[A-Za-z0-9_-]*$/.test(value) || value.length % 4 === 1)
    throw new Error("malformed JWK");
  const binary = atob(value.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(binary, (char) => char.charCodeAt(0));
}

const privateMembers: ReadonlySet<string> = new Set(["d", "p", "q", "dp", "dq", "qi", "oth"]);

export function isPrivate(jwk: Jwk): boolean {
  return "d" in jwk;
}

/** The key without what is private; throws for a symmetric one, which has no public part. */
export function publicJwk(jwk: Jwk): Jwk {
  if (jwk.kty === "oct") throw new Error("key not found");
  return Object.fromEntries(
    Object.entries(jwk).filter(([name]) => !privateMembers.has(name)),
  ) as unknown as Jwk;
}

/** Throws when the key's own `key_ops`, `use` or `alg` rule it out. */
export function checkUse(jwk: Jwk, operation: KeyOperation, algorithm: string): void {
  const { key_ops: operations, use, alg } = jwk;
  const listed = !Array.isArray(operations) || operations.length === 0;
  const wanted = operation === "sign" || operation === "verify" ? "sig" : "enc";
  if (
    (!listed && !(operations as unknown[]).includes(operation)) ||
    (typeof use === "string" && use !== "" && use !== wanted)
  )
    throw new Error(`key cannot perform the '${operation}' operation`);
  if (typeof alg === "string" && alg !== "" && alg !== algorithm)
    throw new Error(`key cannot be used with algorithm '${algorithm}'`);
}

const material = ["kty", "crv", "x", "y", "n", "e", "d", "p", "q", "dp", "dq", "qi"];

/** For WebCrypto, which would refuse a key whose own `use` or `alg` it does not like. */
export async function importJwk(
  jwk: Jwk,
  algorithm: RsaHashedImportParams | EcKeyImportParams | Algorithm,
  usages: readonly KeyUsage[],
): Promise<CryptoKey> {
  const members = material.flatMap((name) => (name in jwk ? [[name, jwk[name]]] : []));
  return crypto.subtle.importKey(
    "jwk",
    Object.fromEntries(members) as JsonWebKey,
    algorithm,
    true,
    [...usages],
  );
}
