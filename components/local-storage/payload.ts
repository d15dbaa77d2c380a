/** The bytes of a file from the JSON that came. Dapr: a quoted text is unquoted, and what then reads as base64 is decoded, meant so or not. */
export function payloadOf(data: string | Uint8Array): Uint8Array {
  const text =
    typeof data === "string"
      ? data
      : Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString("utf8");
  // No data at all came as null; Dapr takes the word for base64.
  if (text === "null") return new Uint8Array(0);
  const plain = unquoted(text);
  const decoded = fromBase64(plain);
  if (decoded) return decoded;
  return plain === text && typeof data !== "string" ? data : Buffer.from(plain, "utf8");
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
