import type { Jwk } from "#core/ports/crypto-provider.ts";
import { base64UrlBytes, jwkOf, secretJwk } from "./jwk.ts";
import { parsePem } from "./pem.ts";

export type KeyFormat = "jwk" | "pem" | "unknown";

const symmetricLengths: ReadonlySet<number> = new Set([16, 24, 32]);
const decoder = new TextDecoder();

/** A key from a JWK, a PEM text, or (base64 of) the bytes of a symmetric key. Throws for what is none of them; no key material gets into the reason. */
export async function parseKey(raw: Uint8Array, format: KeyFormat = "unknown"): Promise<Jwk> {
  if (raw.length === 0) throw new Error("key is empty");
  switch (format === "unknown" ? formatOf(raw) : format) {
    case "jwk":
      return jwkOf(parseJson(decoder.decode(raw)));
    case "pem":
      return parsePem(decoder.decode(raw));
    case "unknown":
      return secretJwk(fromAnyBase64(raw) ?? raw);
  }
}

/** A key of 16, 24 or 32 bytes may happen to begin with a brace. */
function formatOf(raw: Uint8Array): KeyFormat {
  if (raw[0] === 0x7b && !symmetricLengths.has(raw.length)) return "jwk";
  if (raw.length > 10 && decoder.decode(raw.subarray(0, 5)) === "-----") return "pem";
  return "unknown";
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Error("the JWK is not valid JSON");
  }
}

const newline = 0x0a;
const padding = 0x3d;
/** Dapr: whatever can be read as base64, in either alphabet, is taken for it. */
function fromAnyBase64(raw: Uint8Array): Uint8Array | undefined {
  let end = raw.length;
  while (end > 0 && (raw[end - 1] === newline || raw[end - 1] === padding)) end--;
  const text = decoder.decode(raw.subarray(0, end)).replace(/[\r\n]/g, "");
  const standard = /^[A-Za-z0-9+/]*$/.test(text);
  if (!standard && !/^[A-Za-z0-9_-]*$/.test(text)) return undefined;
  if (text.length % 4 === 1) return undefined;
  return base64UrlBytes(text.replaceAll("+", "-").replaceAll("/", "_"));
}
