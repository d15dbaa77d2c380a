export type Bytes = Uint8Array<ArrayBuffer>;

/** One way to encrypt with a symmetric key. Sizes are in bytes, and checked before it is called. */
export interface SymmetricAlgorithm {
  readonly keyBytes: number;
  /** 0: takes no nonce. */
  readonly nonceBytes: number;
  /** 0: makes no tag. */
  readonly tagBytes: number;
  /** What comes back ends in the tag. */
  seal(plaintext: Bytes, key: Bytes, nonce: Bytes, associatedData: Bytes): Promise<Uint8Array>;
  open(sealed: Bytes, key: Bytes, nonce: Bytes, associatedData: Bytes): Promise<Uint8Array>;
}

export function joined(...parts: readonly Uint8Array[]): Bytes {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
