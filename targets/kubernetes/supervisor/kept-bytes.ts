/** Bytes in the order in which they came, each copied a few times at most however small the pieces are. */
export interface KeptBytes {
  push(bytes: Uint8Array): void;
  /** Takes out what stands there. */
  cut(start: number, end: number): void;
  /** All of them; counts until the next change. */
  readonly bytes: Buffer;
}

export function createKeptBytes(): KeptBytes {
  let room: Buffer = Buffer.allocUnsafe(2048);
  let length = 0;
  return {
    push: (bytes) => {
      if (length + bytes.length > room.length) {
        const larger = Buffer.allocUnsafe(Math.max(room.length * 2, length + bytes.length));
        room.copy(larger, 0, 0, length);
        room = larger;
      }
      room.set(bytes, length);
      length += bytes.length;
    },
    cut: (start, end) => {
      room.copyWithin(start, end, length);
      length -= end - start;
    },
    get bytes() {
      return room.subarray(0, length);
    },
  };
}
