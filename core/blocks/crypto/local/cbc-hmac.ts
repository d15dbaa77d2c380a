import { decryptCbc, encryptCbc } from "./cbc.ts";
import { type Bytes, joined, type SymmetricAlgorithm } from "./symmetric-algorithm.ts";

/** AES-CBC with HMAC (RFC 7518, 5.2): half of the key authenticates, half encrypts, half of the MAC is the tag. */
export function cbcHmac(half: number, hash: string): SymmetricAlgorithm {
  const macKey = (key: Bytes): Promise<CryptoKey> =>
    crypto.subtle.importKey("raw", key.slice(0, half), { name: "HMAC", hash }, false, ["sign"]);
  async function tagOf(key: Bytes, ...signed: readonly [Bytes, Bytes, Bytes]): Promise<Bytes> {
    const bits = new Uint8Array(8);
    new DataView(bits.buffer).setBigUint64(0, BigInt(signed[0].length) * 8n);
    const mac = await crypto.subtle.sign("HMAC", await macKey(key), joined(...signed, bits));
    return new Uint8Array(mac, 0, half);
  }
  return {
    keyBytes: 2 * half,
    nonceBytes: 16,
    tagBytes: half,
    seal: async (plaintext, key, iv, associatedData) => {
      const ciphertext = await encryptCbc(plaintext, key.slice(half), iv);
      return joined(ciphertext, await tagOf(key, associatedData, iv, ciphertext));
    },
    open: async (sealed, key, iv, associatedData) => {
      const ciphertext = sealed.slice(0, -half);
      const wanted = await tagOf(key, associatedData, iv, ciphertext);
      if (!isEqual(sealed.subarray(-half), wanted))
        throw new Error("message authentication failed");
      return decryptCbc(ciphertext, key.slice(half), iv);
    },
  };
}

/** Takes as long wherever they differ. */
function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  let difference = a.length ^ b.length;
  for (let i = 0; i < a.length; i++) difference |= (a[i] as number) ^ (b[i] ?? 0);
  return difference === 0;
}
