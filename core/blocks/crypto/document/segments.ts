/** One stretch of a stream. `data` is good until the next one is asked for. */
export interface Segment {
  readonly index: number;
  readonly data: Uint8Array;
  readonly last: boolean;
}

const maxIndex = 2 ** 32 - 1;

/** Cuts a stream into stretches of `size` bytes, the last one shorter or as long; of an empty stream there are none. Holds one of them at a time. */
export async function* segmentsOf(
  source: AsyncIterable<Uint8Array>,
  size: number,
): AsyncGenerator<Segment> {
  const buffer = new Uint8Array(size);
  let used = 0;
  let index = 0;
  for await (const chunk of source) {
    let at = 0;
    while (at < chunk.length) {
      // Only more data shows that a full one is not the last.
      if (used === size) {
        if (index === maxIndex) throw new Error("input stream is too large");
        yield { index: index++, data: buffer, last: false };
        used = 0;
      }
      const part = chunk.subarray(at, at + size - used);
      buffer.set(part, used);
      used += part.length;
      at += part.length;
    }
  }
  if (used > 0) yield { index, data: buffer.subarray(0, used), last: true };
}
