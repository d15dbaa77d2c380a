import { bytesOf } from "#core/util/bytes.ts";
import { type Cipher, noncePrefixBytes } from "./scheme.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** A document's own key: authenticates the header and seals the segments. */
export interface FileKey {
  mac(header: Uint8Array): Promise<Uint8Array>;
  /** Compares in constant time. */
  isMac(mac: Uint8Array, header: Uint8Array): Promise<boolean>;
  seal(segment: Uint8Array, index: number, last: boolean): Promise<Uint8Array>;
  /** Rejects for a segment that was changed or stands in the wrong place. */
  open(segment: Uint8Array, index: number, last: boolean): Promise<Uint8Array>;
}

export async function importFileKey(
  key: Uint8Array,
  noncePrefix: Uint8Array,
  cipher: Cipher,
): Promise<FileKey> {
  const material = await crypto.subtle.importKey("raw", bytesOf(key), "HKDF", false, [
    "deriveBits",
  ]);
  const headerKey = await crypto.subtle.importKey(
    "raw",
    await derive(material, "header", new Uint8Array(0)),
    { name: "HMAC", hash: "SHA-256" },
    false,
    ["sign", "verify"],
  );
  const payloadKey = await derive(material, "payload", noncePrefix);
  const { seal, open } =
    cipher === "AES-GCM" ? await aesGcm(payloadKey) : await chaCha20(payloadKey);
  return {
    mac: async (header) =>
      new Uint8Array(await crypto.subtle.sign("HMAC", headerKey, bytesOf(header))),
    isMac: (mac, header) => crypto.subtle.verify("HMAC", headerKey, bytesOf(mac), bytesOf(header)),
    seal: (segment, index, last) => seal(bytesOf(segment), nonceOf(noncePrefix, index, last)),
    open: async (segment, index, last) => {
      try {
        return await open(bytesOf(segment), nonceOf(noncePrefix, index, last));
      } catch (reason) {
        throw new Error("failed to decrypt segment", { cause: reason });
      }
    },
  };
}

async function derive(material: CryptoKey, info: string, salt: Uint8Array): Promise<Bytes> {
  const bits = await crypto.subtle.deriveBits(
    { name: "HKDF", hash: "SHA-256", salt: bytesOf(salt), info: bytesOf(info) },
    material,
    256,
  );
  return new Uint8Array(bits);
}

/** Prefix, number, and whether it is the last: segments can be neither swapped nor cut off. */
function nonceOf(prefix: Uint8Array, index: number, last: boolean): Bytes {
  const nonce = new Uint8Array(12);
  nonce.set(prefix);
  new DataView(nonce.buffer).setUint32(noncePrefixBytes, index);
  nonce[11] = last ? 1 : 0;
  return nonce;
}

interface Aead {
  seal(data: Bytes, nonce: Bytes): Promise<Uint8Array>;
  open(data: Bytes, nonce: Bytes): Promise<Uint8Array>;
}

async function aesGcm(raw: Bytes): Promise<Aead> {
  const name = "AES-GCM";
  const key = await crypto.subtle.importKey("raw", raw, name, false, ["encrypt", "decrypt"]);
  return {
    seal: async (data, iv) => new Uint8Array(await crypto.subtle.encrypt({ name, iv }, key, data)),
    open: async (data, iv) => new Uint8Array(await crypto.subtle.decrypt({ name, iv }, key, data)),
  };
}

/** WebCrypto has no ChaCha20. */
async function chaCha20(key: Bytes): Promise<Aead> {
  const { chacha20poly1305 } = await import("@noble/ciphers/chacha.js");
  return {
    seal: async (data, nonce) => chacha20poly1305(key, nonce).encrypt(data),
    open: async (data, nonce) => chacha20poly1305(key, nonce).decrypt(data),
  };
}
