/** Text that only its writer can read, or make: AES-GCM under a key that comes from a secret. */
export interface Seal {
  seal(text: string): Promise<string>;
  /** `undefined` for what this secret did not seal. */
  open(sealed: string): Promise<string | undefined>;
}

const ivBytes = 12;
const encoder = new TextEncoder();

export async function createSeal(secret: string, purpose: string): Promise<Seal> {
  const material = await crypto.subtle.importKey("raw", encoder.encode(secret), "HKDF", false, [
    "deriveKey",
  ]);
  const key = await crypto.subtle.deriveKey(
    { name: "HKDF", hash: "SHA-256", salt: new Uint8Array(0), info: encoder.encode(purpose) },
    material,
    { name: "AES-GCM", length: 256 },
    false,
    ["encrypt", "decrypt"],
  );
  return {
    seal: async (text) => {
      const iv = crypto.getRandomValues(new Uint8Array(ivBytes));
      const data = await crypto.subtle.encrypt({ name: "AES-GCM", iv }, key, encoder.encode(text));
      const all = new Uint8Array(ivBytes + data.byteLength);
      all.set(iv);
      all.set(new Uint8Array(data), ivBytes);
      return toBase64Url(all);
    },
    open: async (sealed) => {
      try {
        const all = fromBase64Url(sealed);
        const iv = all.subarray(0, ivBytes);
        const data = all.subarray(ivBytes);
        const text = await crypto.subtle.decrypt({ name: "AES-GCM", iv }, key, data);
        return new TextDecoder().decode(text);
      } catch {
        return undefined;
      }
    },
  };
}

function toBase64Url(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}
function fromBase64Url(text: string): Uint8Array<ArrayBuffer> {
  const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(binary, (char) => char.charCodeAt(0));
}
