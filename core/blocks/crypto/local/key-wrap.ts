import type { SymmetricAlgorithm } from "./symmetric-algorithm.ts";

/** WebCrypto wraps keys, not bytes; as a key for HMAC bytes of any length will do. */
const carrier = { name: "HMAC", hash: "SHA-256" };
const name = "AES-KW";

/** AES key wrap (RFC 3394): at least 16 bytes, in steps of 8. */
export function keyWrap(keyBytes: number): SymmetricAlgorithm {
  return {
    keyBytes,
    nonceBytes: 0,
    tagBytes: 0,
    seal: async (plaintext, raw) => {
      if (plaintext.length % 8 !== 0 || plaintext.length < 16)
        throw new Error("invalid plaintext length");
      const key = await crypto.subtle.importKey("raw", raw, name, false, ["wrapKey"]);
      const carried = await crypto.subtle.importKey("raw", plaintext, carrier, true, ["sign"]);
      return new Uint8Array(await crypto.subtle.wrapKey("raw", carried, key, name));
    },
    open: async (sealed, raw) => {
      if (sealed.length % 8 !== 0 || sealed.length < 24)
        throw new Error("invalid ciphertext length");
      const key = await crypto.subtle.importKey("raw", raw, name, false, ["unwrapKey"]);
      const carried = await crypto.subtle.unwrapKey("raw", sealed, key, name, carrier, true, [
        "sign",
      ]);
      return new Uint8Array(await crypto.subtle.exportKey("raw", carried));
    },
  };
}
