export function isHeaderName(name: string): boolean {
  return /^[\w!#$%&'*+.^`|~-]+$/.test(name);
}

const encoder = new TextEncoder();
/** UTF-8 on the wire, one byte a character; a line break must not start a header of its own. */
export function headerValue(value: string): string {
  // oxlint-disable-next-line no-control-regex -- control characters are what this is about
  if (/^[\x20-\x7e]*$/.test(value)) return value;
  let out = "";
  for (const byte of encoder.encode(value))
    out += byte < 0x20 || byte === 0x7f ? " " : String.fromCharCode(byte);
  return out;
}

const strict = new TextDecoder("utf-8", { fatal: true });
/** The text that a header's bytes stand for: UTF-8 where they are, else Latin-1. */
export function textOfBytes(value: string): string {
  if (!/[\u0080-\u00ff]/.test(value)) return value;
  try {
    return strict.decode(bytesOfHeader(value));
  } catch {
    return value;
  }
}

/** A header's bytes, of which each is one character. */
export function bytesOfHeader(value: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(value, (char) => char.charCodeAt(0));
}
export function textOfHeader(bytes: Uint8Array): string {
  let out = "";
  for (const byte of bytes) out += String.fromCharCode(byte);
  return out;
}
