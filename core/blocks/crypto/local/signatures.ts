import { isPrivate, publicJwk } from "#core/blocks/crypto/keys/jwk.ts";
import { ecdsa } from "./ecdsa.ts";
import { ed25519 } from "./ed25519.ts";
import { pkcs1, pss, type RsaPadding } from "./rsa-padding.ts";
import { rsaPublicKey, rsaSignRaw, rsaVerifyRaw } from "./rsa-raw.ts";
import type { SignatureAlgorithm } from "./signature-algorithm.ts";

/** By JWA's names. */
export const signatureAlgorithms: ReadonlyMap<string, SignatureAlgorithm> = new Map([
  ...["256", "384", "512"].flatMap((bits): ReadonlyArray<readonly [string, SignatureAlgorithm]> => [
    [`RS${bits}`, rsa(pkcs1(`SHA-${bits}`))],
    [`PS${bits}`, rsa(pss(`SHA-${bits}`))],
    [`ES${bits}`, ecdsa],
  ]),
  ["EdDSA", ed25519],
]);

function rsa(padding: RsaPadding): SignatureAlgorithm {
  return {
    sign: async (jwk, digest) => {
      const { bits } = rsaPublicKey(jwk);
      if (!isPrivate(jwk)) throw new Error("key type mismatch");
      return rsaSignRaw(jwk, await padding.encode(digest, bits));
    },
    verify: async (jwk, digest, signature) => {
      const key = rsaPublicKey(publicJwk(jwk));
      return padding.isOf(digest, rsaVerifyRaw(key, signature), key.bits);
    },
  };
}
