/** The bytes of a file from the JSON that came. Dapr: a quoted text is unquoted, and what then reads as base64 is decoded, meant so or not. */
export function payloadOf(data: string | Uint8Array): Uint8Array {
  if (typeof data !== "string" && !isText(data)) return data;
  const text = typeof data === "string" ? data : Buffer.from(data).toString("utf8");
  // No data at all came as null; Dapr takes the word for base64.
  if (text === "null") return new Uint8Array(0);
  const plain = unquoted(text);
  return (
    fromBase64(plain) ??
    (plain === text && typeof data !== "string" ? data : Buffer.from(plain, "utf8"))
  );
}

/** Only text can be quoted or base64; the first byte tells often enough to spare decoding what is neither. */
function isText(data: Uint8Array): boolean {
  return data.length === 0 || (data[0] as number) < 0x80;
}

function unquoted(text: string): string {
  if (!text.startsWith('"')) return text;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "string" ? value : text;
  } catch {
    return text;
  }
}

function fromBase64(text: string): Uint8Array | undefined {
  const compact = /[\r\n]/.test(text) ? text.replace(/[\r\n]/g, "") : text;
  if (compact.length % 4 !== 0) return undefined;
  const bytes = Buffer.from(compact, "base64");
  // Node's decoder takes anything; only base64 comes out as it went in.
  return bytes.toString("base64") === compact ? bytes : undefined;
}
