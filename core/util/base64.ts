const encoder = new TextEncoder();
const chunk = 8192;

/** Standard base64 of bytes, or of a text's UTF-8. */
export function toBase64(data: Uint8Array | string): string {
  const bytes = typeof data === "string" ? encoder.encode(data) : data;
  let binary = "";
  for (let at = 0; at < bytes.length; at += chunk)
    binary += String.fromCharCode(...bytes.subarray(at, at + chunk));
  return btoa(binary);
}

/** Standard base64 with padding, as Go reads it; throws with Go's text. */
export function fromBase64(text: string): Uint8Array {
  const clean = text.replace(/[\r\n]/g, "");
  const wrong = clean.search(/[^A-Za-z0-9+/=]|=(?!=?$)/);
  if (wrong !== -1) throw new SyntaxError(`illegal base64 data at input byte ${wrong}`);
  if (clean.length % 4 !== 0)
    throw new SyntaxError(`illegal base64 data at input byte ${clean.length - (clean.length % 4)}`);
  return Uint8Array.from(atob(clean), (char) => char.charCodeAt(0));
}
