import { importJwk, isPrivate, publicJwk } from "#core/blocks/crypto/keys/jwk.ts";
import type { Jwk } from "#core/ports/crypto-provider.ts";
import { bytesOf } from "#core/util/bytes.ts";
import type { SignatureAlgorithm } from "./signature-algorithm.ts";

const algorithm = { name: "Ed25519" };

/** EdDSA hashes for itself: what it signs is the message. */
export const ed25519: SignatureAlgorithm = {
  sign: async (jwk, message) => {
    check(jwk);
    if (!isPrivate(jwk)) throw new Error("key type mismatch");
    const key = await importJwk(jwk, algorithm, ["sign"]);
    return new Uint8Array(await crypto.subtle.sign(algorithm, key, bytesOf(message)));
  },
  verify: async (jwk, message, signature) => {
    check(jwk);
    const key = await importJwk(publicJwk(jwk), algorithm, ["verify"]);
    return crypto.subtle.verify(algorithm, key, bytesOf(signature), bytesOf(message));
  },
};

function check(jwk: Jwk): void {
  if (jwk.kty !== "OKP" || jwk["crv"] !== "Ed25519") throw new Error("key type mismatch");
}
