import type { Jwk } from "#core/ports/crypto-provider.ts";

/** One way to sign what has been hashed already. Rejects for a key of another kind. */
export interface SignatureAlgorithm {
  sign(jwk: Jwk, digest: Uint8Array): Promise<Uint8Array>;
  verify(jwk: Jwk, digest: Uint8Array, signature: Uint8Array): Promise<boolean>;
}
