import { p256, p384, p521 } from "@noble/curves/nist.js";
import { base64UrlBytes, isPrivate } from "#core/blocks/crypto/keys/jwk.ts";
import type { Jwk } from "#core/ports/crypto-provider.ts";
import type { SignatureAlgorithm } from "./signature-algorithm.ts";
import { joined } from "./symmetric-algorithm.ts";

const curves: ReadonlyMap<unknown, typeof p256> = new Map([
  ["P-256", p256],
  ["P-384", p384],
  ["P-521", p521],
]);
/** The digest as it comes, a signature in DER, as Go writes and takes it. */
const options = { prehash: false, lowS: false, format: "der" } as const;

/** ECDSA on a digest; WebCrypto can only hash for itself. Dapr: the key's curve counts, whichever hash the algorithm names. */
export const ecdsa: SignatureAlgorithm = {
  sign: async (jwk, digest) => {
    const { curve, size } = curveOf(jwk);
    if (!isPrivate(jwk)) throw new Error("key type mismatch");
    return curve.sign(digest, sized(jwk["d"], size), { ...options, extraEntropy: true });
  },
  verify: async (jwk, digest, signature) => {
    const { curve, size } = curveOf(jwk);
    const point = joined(Uint8Array.of(4), sized(jwk["x"], size), sized(jwk["y"], size));
    if (!curve.utils.isValidPublicKey(point, false)) throw new Error("key type mismatch");
    return curve.verify(signature, digest, point, options);
  },
};

function curveOf({ kty, crv }: Jwk): { readonly curve: typeof p256; readonly size: number } {
  const curve = kty === "EC" ? curves.get(crv) : undefined;
  if (!curve) throw new Error("key type mismatch");
  return { curve, size: Math.ceil(curve.Point.Fn.BITS / 8) };
}

/** Some software drops zeros in front. */
function sized(member: unknown, size: number): Uint8Array {
  const bytes = base64UrlBytes(member);
  if (bytes.length > size) throw new Error("malformed JWK");
  const out = new Uint8Array(size);
  out.set(bytes, size - bytes.length);
  return out;
}
