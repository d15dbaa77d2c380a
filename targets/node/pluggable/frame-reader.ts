import { prefixBytes } from "#targets/node/grpc/frames.ts";

/** Puts gRPC messages together out of what comes over the wire. */
export class FrameReader {
  readonly #limit: number;
  readonly #take: (message: Uint8Array) => void;
  #chunks: Uint8Array[] = [];
  #size = 0;
  /** Bytes of the prefix, or of the message behind it. */
  #needed = prefixBytes;
  #inMessage = false;

  /** `limit`: the largest message, in bytes. */
  constructor(limit: number, take: (message: Uint8Array) => void) {
    this.#limit = limit;
    this.#take = take;
  }
  /** Throws a RangeError for a message that is larger, or compressed: we never say that we could read that. */
  push(chunk: Uint8Array): void {
    this.#chunks.push(chunk);
    this.#size += chunk.length;
    while (this.#size >= this.#needed) {
      const bytes = this.#cut(this.#needed);
      this.#needed = this.#inMessage ? prefixBytes : this.#lengthIn(bytes);
      this.#inMessage = !this.#inMessage;
      if (!this.#inMessage) this.#take(bytes);
    }
  }
  #lengthIn(prefix: Uint8Array): number {
    const length = new DataView(prefix.buffer, prefix.byteOffset).getUint32(1);
    if (prefix[0] !== 0) throw new RangeError("received a compressed message");
    if (length > this.#limit)
      throw new RangeError(`received message larger than max (${length} vs. ${this.#limit})`);
    return length;
  }
  #cut(size: number): Uint8Array {
    this.#size -= size;
    const [first] = this.#chunks;
    if (first && first.length > size) {
      this.#chunks[0] = first.subarray(size);
      return first.subarray(0, size);
    }
    const out = first?.length === size ? first : this.#joined(size);
    if (out === first) this.#chunks.shift();
    return out;
  }
  #joined(size: number): Uint8Array {
    const out = new Uint8Array(size);
    for (let at = 0; at < size;) {
      const chunk = this.#chunks[0] as Uint8Array;
      const part = chunk.subarray(0, size - at);
      out.set(part, at);
      at += part.length;
      if (part.length === chunk.length) this.#chunks.shift();
      else this.#chunks[0] = chunk.subarray(part.length);
    }
    return out;
  }
}
