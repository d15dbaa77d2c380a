/** The little of ASN.1 DER that key files need. */
type Bytes = Uint8Array<ArrayBuffer>;

export interface DerValue {
  readonly tag: number;
  readonly content: Uint8Array;
  /** Header and content. */
  readonly whole: Uint8Array;
}
export const tags = {
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  sequence: 0x30,
  /** `[0]`, constructed. */
  context0: 0xa0,
} as const;

/** The values that stand one after the other; throws for anything malformed. */
export function derValues(bytes: Uint8Array): readonly DerValue[] {
  const values: DerValue[] = [];
  for (let at = 0; at < bytes.length;) {
    const value = valueAt(bytes, at);
    values.push(value);
    at += value.whole.length;
  }
  return values;
}

/** The values inside a SEQUENCE that is all there is. */
export function derSequence(bytes: Uint8Array): readonly DerValue[] {
  const [only, ...more] = derValues(bytes);
  if (only?.tag !== tags.sequence || more.length > 0) throw malformed();
  return derValues(only.content);
}

function valueAt(bytes: Uint8Array, start: number): DerValue {
  const tag = bytes[start] as number;
  const first = bytes[start + 1];
  if (first === undefined) throw malformed();
  let at = start + 2;
  let length = first;
  if (first >= 0x80) {
    const count = first & 0x7f;
    if (count === 0 || count > 4) throw malformed();
    length = 0;
    for (let i = 0; i < count; i++) length = length * 256 + (bytes[at++] ?? Number.NaN);
  }
  // Written so that NaN is refused as well.
  if (!(at + length <= bytes.length)) throw malformed();
  const end = at + length;
  return { tag, content: bytes.subarray(at, end), whole: bytes.subarray(start, end) };
}

function malformed(): Error {
  return new Error("malformed ASN.1");
}

/** One value, its content given in parts. */
export function der(tag: number, ...parts: readonly Uint8Array[]): Bytes {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const size: number[] = [];
  if (length < 0x80) size.push(length);
  else {
    for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) size.unshift(rest % 256);
    size.unshift(0x80 + size.length);
  }
  const out = new Uint8Array(1 + size.length + length);
  out.set([tag, ...size]);
  let at = 1 + size.length;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
