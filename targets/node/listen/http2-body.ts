import { constants, type Http2Stream } from "node:http2";
import { noteExternalBytes } from "../memory/external-memory.ts";

/**
 * Hands a body over, at the stream's pace. Rejects when the body breaks off, which resets the stream. Not by Node's
 * `pipeline`: that destroys a stream within its `close`, so that the peer is never told; and a session that hears more of
 * such a stream sends empty frames without end (Node 24).
 */
export async function pump(body: ReadableStream<Uint8Array>, stream: Http2Stream): Promise<void> {
  const reader = body.getReader();
  const gone = (): void => void reader.cancel(new Error("The reader went away")).catch(() => {});
  if (stream.closed) return gone();
  stream.once("close", gone);
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (stream.closed || stream.destroyed) return;
      if (done) return void stream.end();
      noteExternalBytes(value.byteLength);
      if (!stream.write(value)) await writable(stream);
    }
  } catch (reason) {
    // Not by `close`, which would first say that the body has ended.
    stream.destroy(reason as Error);
    throw reason;
  } finally {
    stream.off("close", gone);
  }
}
function writable(stream: Http2Stream): Promise<void> {
  return new Promise((resolve) => {
    const go = (): void => {
      stream.off("drain", go).off("close", go);
      resolve();
    };
    stream.on("drain", go).on("close", go);
  });
}

/** What comes over a stream as a body; whoever does not want the rest of it leaves the stream as it is. */
export function bodyFrom(stream: Http2Stream): ReadableStream<Uint8Array> {
  const chunks = chunksOf(stream, () => {});
  return streamOf([], chunks.next(), chunks, () => void stream.resume());
}

/**
 * Node's own iterator takes a stream for broken that its peer has ended before the reading begins: to it `closed` says
 * that nothing is left to be read.
 */
export async function* chunksOf(stream: Http2Stream, leave: () => void): AsyncGenerator<Buffer> {
  let wake = (): void => {};
  const look = (): void => wake();
  stream.on("readable", look).on("end", look).on("close", look);
  try {
    for (;;) {
      const chunk = stream.destroyed ? null : (stream.read() as Buffer | null);
      if (chunk !== null) yield chunk;
      else if (stream.readableEnded && stream.rstCode === constants.NGHTTP2_NO_ERROR) return;
      // One that is reset ends as well.
      else if (stream.readableEnded || stream.destroyed)
        throw new Error("the connection was lost during the message");
      else await new Promise<void>((resolve) => (wake = resolve));
    }
  } finally {
    stream.off("readable", look).off("end", look).off("close", look);
    if (!stream.readableEnded) leave();
  }
}

/** What has been read, what is being read, and the rest. */
export function streamOf(
  first: Buffer[],
  reading: Promise<IteratorResult<Buffer>>,
  rest: AsyncGenerator<Buffer>,
  leave: () => void,
): ReadableStream<Uint8Array> {
  let next: Promise<IteratorResult<Buffer>> | undefined = reading;
  // Whoever reads sees it.
  reading.catch(() => {});
  return new ReadableStream<Uint8Array>(
    {
      pull: async (controller) => {
        const held = first.shift();
        if (held) return controller.enqueue(held);
        const { done, value } = await (next ?? rest.next());
        next = undefined;
        if (done) return controller.close();
        noteExternalBytes(value.length);
        controller.enqueue(value);
      },
      // Not by the generator's `return`, which waits for what may never come.
      cancel: leave,
    },
    { highWaterMark: 0 },
  );
}
