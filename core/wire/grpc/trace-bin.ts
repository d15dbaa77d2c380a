/** OpenCensus' `grpc-trace-bin`: version 0, then fields 0 (trace id), 1 (span id), 2 (flags), 29 bytes in all. */
const length = 29;

/** The `traceparent` that says the same; `undefined` for anything malformed. */
export function parseTraceBin(base64: string): string | undefined {
  let raw: string;
  try {
    raw = atob(base64);
  } catch {
    return undefined;
  }
  if (raw.length < length) return undefined;
  const at = (i: number): number => raw.charCodeAt(i);
  if (at(0) !== 0 || at(1) !== 0 || at(18) !== 1 || at(27) !== 2) return undefined;
  const hex = (from: number, to: number): string => {
    let text = "";
    for (let i = from; i < to; i++) text += at(i).toString(16).padStart(2, "0");
    return text;
  };
  return `00-${hex(2, 18)}-${hex(19, 27)}-${hex(28, 29)}`;
}

/** A `traceparent` as the header's base64 text. On the path of every traced call, so it goes from hexadecimal to base64 directly. */
export function traceBin(traceparent: string): string {
  const hex = `0000${traceparent.slice(3, 35)}01${traceparent.slice(36, 52)}02${traceparent.slice(53, 55)}`;
  let out = "";
  // Three hexadecimal digits are two base64 digits; 58 leave one.
  for (let i = 0; i < 57; i += 3)
    out += pairs[(nibble(hex, i) << 8) | (nibble(hex, i + 1) << 4) | nibble(hex, i + 2)];
  return `${out}${alphabet[nibble(hex, 57) << 2]}=`;
}

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const pairs: readonly string[] = Array.from(
  { length: 4096 },
  (_, bits) => `${alphabet[bits >> 6]}${alphabet[bits & 63]}`,
);
/** Of a lower-case hexadecimal digit. */
function nibble(text: string, at: number): number {
  const code = text.charCodeAt(at);
  return code < 58 ? code - 48 : code - 87;
}
