const encoder = new TextEncoder();

/** True when text or bytes have more than `limit` bytes. Most texts are short enough not to be counted. */
export function isLargerThan(data: string | Uint8Array, limit: number): boolean {
  if (typeof data !== "string") return data.byteLength > limit;
  return data.length * 3 > limit && encoder.encode(data).byteLength > limit;
}
