import { prepend } from "./prepend.ts";

/** Resolves once `bytes` bytes of the stream are there, or its end; rejects when it fails before. */
export async function holdBack(
  source: AsyncIterable<Uint8Array>,
  bytes: number,
): Promise<AsyncIterable<Uint8Array>> {
  const iterator = source[Symbol.asyncIterator]();
  const held: Uint8Array[] = [];
  for (let size = 0; size < bytes;) {
    const { done, value } = await iterator.next();
    if (done) break;
    held.push(value);
    size += value.length;
  }
  return prepend(held, iterator);
}
