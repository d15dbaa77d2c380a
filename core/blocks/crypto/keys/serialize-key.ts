import type { Jwk } from "#core/ports/crypto-provider.ts";
import { importJwk, isPrivate, publicJwk, secretOf } from "./jwk.ts";
import { kindOfJwk } from "./key-kinds.ts";

/** The bytes that are wrapped: a symmetric key's own, else DER (PKCS#8 or SPKI). */
export async function serializeKey(jwk: Jwk): Promise<Uint8Array> {
  const secret = secretOf(jwk);
  if (secret) return secret;
  if (!isPrivate(jwk)) return spkiOf(jwk);
  const { algorithm, privateUsages } = kindOfJwk(jwk);
  const key = await importJwk(jwk, algorithm, privateUsages);
  return new Uint8Array(await crypto.subtle.exportKey("pkcs8", key));
}

/** A public key as DER (SPKI). */
export async function spkiOf(jwk: Jwk): Promise<Uint8Array> {
  const { algorithm, publicUsages } = kindOfJwk(jwk);
  const key = await importJwk(publicJwk(jwk), algorithm, publicUsages);
  return new Uint8Array(await crypto.subtle.exportKey("spki", key));
}
