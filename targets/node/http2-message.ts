import { type ClientHttp2Stream, constants, type IncomingHttpHeaders } from "node:http2";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { CallOptions } from "#core/ports/component.ts";
import { TooLargeError } from "#core/util/bounded-read.ts";
import type { PlainRequest, PlainResponse } from "#core/ports/platform.ts";
import { counted, noteStreamed } from "./streamed.ts";

/** Answers up to this size are read whole. */
const bufferedBytes = 65_536;

/** Headers of HTTP/1 connections, which HTTP/2 forbids. */
export const connectionHeaders: ReadonlySet<string> = new Set([
  "connection",
  "host",
  "keep-alive",
  "proxy-connection",
  "transfer-encoding",
  "upgrade",
  "http2-settings",
]);

/** Method, path and headers as HTTP/2 has them. */
export function requestFields({
  method,
  path,
  headers,
}: PlainRequest): Record<string, string | string[]> {
  const out: Record<string, string | string[]> = { ":method": method, ":path": path };
  for (let i = 0; i < headers.length; i += 2) {
    const name = (headers[i] as string).toLowerCase();
    if (connectionHeaders.has(name) || (name === "te" && headers[i + 1] !== "trailers")) continue;
    const before = out[name];
    const value = headers[i + 1] as string;
    out[name] = before === undefined ? value : [before, value].flat();
  }
  return out;
}

/** The peer has not begun with the call and will not: it may be sent again, whatever it is. */
export class RefusedStreamError extends Error {
  override readonly name = "RefusedStreamError";
}

/**
 * Sends the body and waits for the headers of the answer; `lost` says what it means when none come. Rejects with a
 * `RefusedStreamError` where the peer was ending when the call came.
 */
export function converse(
  stream: ClientHttp2Stream,
  body: PlainRequest["body"],
  { signal }: CallOptions,
  lost: string,
): Promise<IncomingHttpHeaders> {
  const gone = (): void => stream.close(constants.NGHTTP2_CANCEL);
  if (signal.aborted) gone();
  signal.addEventListener("abort", gone, { once: true });
  stream.once("close", () => signal.removeEventListener("abort", gone));
  stream.on("error", () => {});
  let failure: unknown;
  // An app may answer before it has read everything; its answer counts, not the broken upload.
  if (body instanceof ReadableStream)
    void pipeline(Readable.from(counted(body)), stream).catch((reason: unknown) => {
      failure = reason;
    });
  else if (body !== undefined) stream.end(body);
  return new Promise((resolve, reject) => {
    stream.once("response", resolve);
    stream.once("close", () =>
      // The upload's own failure is told after the stream has closed.
      setImmediate(() => {
        if (failure instanceof TooLargeError) return reject(failure);
        const isRefused = stream.rstCode === constants.NGHTTP2_REFUSED_STREAM;
        reject(isRefused ? new RefusedStreamError(lost) : new Error(lost));
      }),
    );
  });
}

/** A small answer whole, what grows past that as a stream; `without` names headers that stay behind. */
export async function readAnswer(
  stream: ClientHttp2Stream,
  headers: IncomingHttpHeaders,
  without: ReadonlySet<string> = none,
): Promise<PlainResponse> {
  const status = Number(headers[":status"]);
  const list: string[] = [];
  for (const name of Object.keys(headers)) {
    if (name.startsWith(":") || without.has(name)) continue;
    for (const value of [headers[name]].flat()) list.push(name, String(value));
  }
  const chunks: Buffer[] = [];
  let size = 0;
  const chunked = chunksOf(stream);
  for (;;) {
    const { done, value } = await chunked.next();
    if (done) {
      const body = Buffer.concat(chunks, size);
      const answer = { status, headers: list };
      return size === 0 ? answer : { ...answer, body };
    }
    chunks.push(value);
    size += value.length;
    if (size > bufferedBytes || headers["content-type"] === "text/event-stream") break;
  }
  return { status, headers: list, body: streamOf(chunks, chunked) };
}

/**
 * Node's own iterator takes a stream for broken that its peer has ended before the reading begins: to it `closed` says
 * that nothing is left to be read.
 */
async function* chunksOf(stream: ClientHttp2Stream): AsyncGenerator<Buffer> {
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
        throw new Error("the connection was lost amid the answer");
      else await new Promise<void>((resolve) => (wake = resolve));
    }
  } finally {
    stream.off("readable", look).off("end", look).off("close", look);
    if (!stream.readableEnded) stream.close(constants.NGHTTP2_CANCEL);
  }
}

function streamOf(first: Buffer[], rest: AsyncGenerator<Buffer>): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>(
    {
      pull: async (controller) => {
        const held = first.shift();
        if (held) return controller.enqueue(held);
        const { done, value } = await rest.next();
        if (done) return controller.close();
        noteStreamed(value.length);
        controller.enqueue(value);
      },
      cancel: async () => {
        await rest.return(undefined);
      },
    },
    { highWaterMark: 0 },
  );
}

const none: ReadonlySet<string> = new Set();
