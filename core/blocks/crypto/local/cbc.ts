import { type Bytes, joined, type SymmetricAlgorithm } from "./symmetric-algorithm.ts";

const name = "AES-CBC";
const blockBytes = 16;

export async function encryptCbc(plaintext: Bytes, raw: Bytes, iv: Bytes): Promise<Bytes> {
  const key = await crypto.subtle.importKey("raw", raw, name, false, ["encrypt"]);
  return new Uint8Array(await crypto.subtle.encrypt({ name, iv }, key, plaintext));
}
export async function decryptCbc(ciphertext: Bytes, raw: Bytes, iv: Bytes): Promise<Bytes> {
  const key = await crypto.subtle.importKey("raw", raw, name, false, ["decrypt"]);
  return new Uint8Array(await crypto.subtle.decrypt({ name, iv }, key, ciphertext));
}

/** AES-CBC with the padding of PKCS#7. */
export function cbc(keyBytes: number): SymmetricAlgorithm {
  return {
    keyBytes,
    nonceBytes: blockBytes,
    tagBytes: 0,
    seal: encryptCbc,
    open: async (ciphertext, key, iv) => {
      if (ciphertext.length % blockBytes !== 0) throw new Error("invalid ciphertext length");
      // Dapr: nothing decrypts to nothing, where a padded text has at least one block.
      return ciphertext.length === 0 ? ciphertext : decryptCbc(ciphertext, key, iv);
    },
  };
}

/** AES-CBC of whole blocks. WebCrypto always pads: what it adds is taken off, and put back before it decrypts. */
export function cbcUnpadded(keyBytes: number): SymmetricAlgorithm {
  return {
    keyBytes,
    nonceBytes: blockBytes,
    tagBytes: 0,
    seal: async (plaintext, key, iv) => {
      if (plaintext.length % blockBytes !== 0) throw new Error("invalid plaintext length");
      return (await encryptCbc(plaintext, key, iv)).subarray(0, plaintext.length);
    },
    open: async (ciphertext, key, iv) => {
      if (ciphertext.length % blockBytes !== 0) throw new Error("invalid ciphertext length");
      const before = ciphertext.length === 0 ? iv : ciphertext.slice(-blockBytes);
      const padding = await encryptCbc(new Uint8Array(0), key, before);
      return decryptCbc(joined(ciphertext, padding), key, iv);
    },
  };
}
