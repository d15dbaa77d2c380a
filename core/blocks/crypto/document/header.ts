import { prepend } from "#core/blocks/crypto/prepend.ts";
import { schemeName, segmentBytes } from "./scheme.ts";

/** The header of a document that is being read, and what comes after it. */
export interface Header {
  /** First two lines with their ends: what the MAC is of. */
  readonly signed: Uint8Array;
  readonly manifest: string;
  readonly mac: string;
  readonly payload: AsyncIterable<Uint8Array>;
}

const newline = 10;
const decoder = new TextDecoder();

/** Reads three lines, which must stand within the first 64 KiB. */
export async function readHeader(document: AsyncIterable<Uint8Array>): Promise<Header> {
  const iterator = document[Symbol.asyncIterator]();
  const buffer = new Uint8Array(segmentBytes);
  /** Where each line ends, behind its newline. */
  const ends: number[] = [];
  let used = 0;
  for (;;) {
    const { done, value: chunk } = await iterator.next();
    if (done || used === buffer.length) throw missing(ends.length);
    const part = chunk.subarray(0, buffer.length - used);
    buffer.set(part, used);
    for (let at = used; at < used + part.length && ends.length < 3; at++)
      if (buffer[at] === newline) addLine(buffer, ends, at);
    used += part.length;
    if (ends.length < 3) continue;
    const [first, second, third] = ends as [number, number, number];
    const rest = [buffer.subarray(third, used), chunk.subarray(part.length)];
    return {
      signed: buffer.subarray(0, second),
      manifest: decoder.decode(buffer.subarray(first, second - 1)),
      mac: decoder.decode(buffer.subarray(second, third - 1)),
      payload: prepend(rest, iterator),
    };
  }
}

function addLine(buffer: Uint8Array, ends: number[], at: number): void {
  const start = ends.at(-1) ?? 0;
  if (at === start) throw new Error("invalid header: invalid format");
  if (ends.length === 0 && decoder.decode(buffer.subarray(0, at)) !== schemeName)
    throw new Error("invalid header: unsupported scheme");
  ends.push(at + 1);
}

function missing(lines: number): Error {
  const what = ["scheme name", "manifest", "message authentication code"][lines] as string;
  return new Error(`invalid header: ${what} not found`);
}
