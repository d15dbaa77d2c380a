import type { SymmetricAlgorithm } from "./symmetric-algorithm.ts";

/** AES-GCM. */
export function gcm(keyBytes: number): SymmetricAlgorithm {
  const name = "AES-GCM";
  return {
    keyBytes,
    nonceBytes: 12,
    tagBytes: 16,
    seal: async (plaintext, raw, iv, additionalData) => {
      const key = await crypto.subtle.importKey("raw", raw, name, false, ["encrypt"]);
      return new Uint8Array(
        await crypto.subtle.encrypt({ name, iv, additionalData }, key, plaintext),
      );
    },
    open: async (sealed, raw, iv, additionalData) => {
      const key = await crypto.subtle.importKey("raw", raw, name, false, ["decrypt"]);
      return new Uint8Array(await crypto.subtle.decrypt({ name, iv, additionalData }, key, sealed));
    },
  };
}

/** ChaCha20-Poly1305, which WebCrypto has not; with the long nonce XChaCha20-Poly1305. */
export function chaCha(nonceBytes: 12 | 24): SymmetricAlgorithm {
  const load = async () => {
    const library = await import("@noble/ciphers/chacha.js");
    return nonceBytes === 12 ? library.chacha20poly1305 : library.xchacha20poly1305;
  };
  return {
    keyBytes: 32,
    nonceBytes,
    tagBytes: 16,
    seal: async (plaintext, key, nonce, associatedData) =>
      (await load())(key, nonce, associatedData).encrypt(plaintext),
    open: async (sealed, key, nonce, associatedData) =>
      (await load())(key, nonce, associatedData).decrypt(sealed),
  };
}
