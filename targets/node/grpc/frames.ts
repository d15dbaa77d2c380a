/** Length-prefixed messages of gRPC: one byte "compressed", four bytes length, then the message. */
export const prefixBytes = 5;

/** A message behind its prefix, ready to be written. */
export function frame(message: Uint8Array): Buffer {
  const out = Buffer.allocUnsafe(prefixBytes + message.byteLength);
  out[0] = 0;
  out.writeUInt32BE(message.byteLength, 1);
  out.set(message, prefixBytes);
  return out;
}

/** Follows a stream of frames without keeping them. */
export class SizeWatch {
  readonly #limit: number;
  /** Bytes of the current message that are still to come. */
  #left = 0;
  /** Bytes of the next prefix that are there, and the length that they say so far. */
  #got = 0;
  #length = 0;

  /** Messages that have begun. */
  messages = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }
  /** True while every message so far is within the limit. */
  fits(chunk: Uint8Array): boolean {
    let at = 0;
    while (at < chunk.length) {
      if (this.#left > 0) {
        const step = Math.min(this.#left, chunk.length - at);
        this.#left -= step;
        at += step;
        continue;
      }
      // The first byte says "compressed", the others are the length, highest first.
      const byte = chunk[at++] as number;
      if (this.#got > 0) this.#length = this.#length * 256 + byte;
      if (++this.#got < prefixBytes) continue;
      this.messages++;
      this.#left = this.#length;
      this.#got = 0;
      this.#length = 0;
      if (this.#left > this.#limit) return false;
    }
    return true;
  }
}
