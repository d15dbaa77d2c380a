import type { Http2Stream } from "node:http2";
import { addAbortSignal } from "node:stream";

const aborted = AbortSignal.abort();
const ignore = (): void => {};

/**
 * Resets a stream that its caller wants no more of (CANCEL). Not by its `close`, which first says that the request has
 * ended: a peer that reads a body, or messages, would take what has come for all there is.
 */
export function cancelStream(stream: Http2Stream): void {
  if (stream.destroyed) return;
  stream.on("error", ignore);
  addAbortSignal(aborted, stream);
}
