import { der, tags } from "#core/blocks/crypto/keys/der.ts";
import { joined } from "./symmetric-algorithm.ts";

/** How a digest is padded before RSA signs it (RFC 8017, 9). `bits` is the modulus' length. */
export interface RsaPadding {
  encode(digest: Uint8Array, bits: number): Promise<Uint8Array>;
  /** Whether the text that a signature holds is the digest's. */
  isOf(digest: Uint8Array, text: Uint8Array, bits: number): Promise<boolean>;
}

/** SHA-256, -384 and -512 are 2.16.840.1.101.3.4.2 and these. */
const hashIds: Readonly<Record<string, number>> = { "SHA-256": 1, "SHA-384": 2, "SHA-512": 3 };

/** RSASSA-PKCS1-v1_5. */
export function pkcs1(hash: string): RsaPadding {
  const hashBytes = bytesOfHash(hash);
  const oid = Uint8Array.of(
    0x60,
    0x86,
    0x48,
    0x01,
    0x65,
    0x03,
    0x04,
    0x02,
    hashIds[hash] as number,
  );
  const algorithm = der(tags.sequence, der(tags.oid, oid), der(tags.null));
  const encode = async (digest: Uint8Array, bits: number): Promise<Uint8Array> => {
    checkDigest(digest, hashBytes);
    const info = der(tags.sequence, algorithm, der(tags.octetString, digest));
    const fill = Math.ceil(bits / 8) - info.length - 3;
    if (fill < 8) throw new Error("message too long for RSA key size");
    return joined(Uint8Array.of(0, 1), new Uint8Array(fill).fill(0xff), Uint8Array.of(0), info);
  };
  return {
    encode,
    isOf: async (digest, text, bits) => isSame(await encode(digest, bits), text),
  };
}

/** RSASSA-PSS. Signs with a salt as long as the digest, as JWA wants it; takes any. */
export function pss(hash: string): RsaPadding {
  const hashBytes = bytesOfHash(hash);
  const digestOf = async (...parts: readonly Uint8Array[]): Promise<Uint8Array> =>
    new Uint8Array(await crypto.subtle.digest(hash, joined(...parts)));
  const salted = (digest: Uint8Array, salt: Uint8Array): Promise<Uint8Array> =>
    digestOf(new Uint8Array(8), digest, salt);
  /** Applying it twice takes it away. */
  const mask = async (data: Uint8Array, seed: Uint8Array): Promise<Uint8Array> => {
    const out = new Uint8Array(data);
    for (let at = 0, count = 0; at < out.length; count++) {
      const counter = new Uint8Array(4);
      new DataView(counter.buffer).setUint32(0, count);
      for (const byte of await digestOf(seed, counter)) {
        if (at >= out.length) break;
        out[at] = (out[at] as number) ^ byte;
        at++;
      }
    }
    return out;
  };
  return {
    encode: async (digest, bits) => {
      checkDigest(digest, hashBytes);
      const size = Math.ceil((bits - 1) / 8);
      if (size < 2 * hashBytes + 2) throw new Error("message too long for RSA key size");
      const salt = crypto.getRandomValues(new Uint8Array(hashBytes));
      const h = await salted(digest, salt);
      const block = new Uint8Array(size - hashBytes - 1);
      block[block.length - hashBytes - 1] = 1;
      block.set(salt, block.length - hashBytes);
      const masked = await mask(block, h);
      masked[0] = (masked[0] as number) & topMask(bits);
      return joined(masked, h, Uint8Array.of(0xbc));
    },
    isOf: async (digest, text, bits) => {
      checkDigest(digest, hashBytes);
      const size = Math.ceil((bits - 1) / 8);
      if (text.length < size) return false;
      // With a modulus of 8n+1 bits the text is a byte shorter than it.
      const whole = text.subarray(text.length - size);
      if (text.length > size && text[0] !== 0) return false;
      if (size < hashBytes + 2 || whole[size - 1] !== 0xbc) return false;
      const h = whole.subarray(size - hashBytes - 1, size - 1);
      const masked = whole.subarray(0, size - hashBytes - 1);
      if (((masked[0] as number) & ~topMask(bits) & 0xff) !== 0) return false;
      const block = await mask(masked, h);
      block[0] = (block[0] as number) & topMask(bits);
      const one = block.findIndex((byte) => byte !== 0);
      if (one === -1 || block[one] !== 1) return false;
      return isSame(await salted(digest, block.subarray(one + 1)), h);
    },
  };
}

/** The bits of the first byte that the modulus has room for. */
function topMask(bits: number): number {
  return 0xff >> (8 * Math.ceil((bits - 1) / 8) - (bits - 1));
}
function bytesOfHash(hash: string): number {
  return Number(hash.slice(-3)) / 8;
}
function checkDigest(digest: Uint8Array, hashBytes: number): void {
  if (digest.length !== hashBytes) throw new Error("input must be a hashed message");
}
/** What is compared is public. */
function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
