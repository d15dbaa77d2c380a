import { type ClientHttp2Stream, constants, type IncomingHttpHeaders } from "node:http2";
import type { CallOptions } from "#core/ports/component.ts";
import { TooLargeError } from "#core/util/bounded-read.ts";
import type { HeaderList, PlainRequest, PlainResponse } from "#core/ports/platform.ts";
import { sizeOf } from "#core/util/bytes.ts";
import { cancelStream } from "../channel/http2-cancel.ts";
import { chunksOf, pump, streamOf } from "./http2-body.ts";
import { createAbortWatch, type WatchedCall } from "../channel/abort-watch.ts";

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

/** Method, path, headers and the body's length as HTTP/2 has them. */
export function requestFields({
  method,
  path,
  headers,
  body,
  bodyBytes = bytesIn(body),
}: PlainRequest): Fields {
  const out: Fields = Object.create(null) as Fields;
  out[":method"] = method;
  out[":path"] = path;
  pushFields(out, headers, (name, value) => name === "te" && value !== "trailers");
  if (bodyBytes !== undefined) out["content-length"] = String(bodyBytes);
  return out;
}
export type Fields = Record<string, string | string[]>;

/** Adds headers in HTTP/2's spelling, without those of connections; repeated ones stay apart. */
export function pushFields(
  out: Fields,
  headers: HeaderList,
  drop: (name: string, value: string) => boolean,
): void {
  for (let i = 0; i < headers.length; i += 2) {
    const name = (headers[i] as string).toLowerCase();
    const value = headers[i + 1] as string;
    if (connectionHeaders.has(name) || drop(name, value)) continue;
    const before = out[name];
    out[name] = before === undefined ? value : [before, value].flat();
  }
}

/** The length of a body that is there; `undefined` where there is none, or it streams. */
export function bytesIn(body: PlainRequest["body"]): number | undefined {
  if (body === undefined || body instanceof ReadableStream) return undefined;
  return sizeOf(body);
}

/**
 * Headers as they came, repeated ones apart; but a cookie that HTTP/2 has cut to pieces is whole again, as HTTP/1 wants
 * it (RFC 9113 §8.2.3).
 */
export function listOf(
  raw: readonly string[],
  drop: (name: string) => boolean = dropsNothing,
): string[] {
  const out: string[] = [];
  let cookieAt = -1;
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i] as string;
    if (name.startsWith(":") || drop(name)) continue;
    if (name === "cookie" && cookieAt !== -1) out[cookieAt] += `; ${raw[i + 1] as string}`;
    else {
      if (name === "cookie") cookieAt = out.length + 1;
      out.push(name, raw[i + 1] as string);
    }
  }
  return out;
}
const dropsNothing = (): boolean => false;

/** The beginning of an answer. */
export interface Opening {
  readonly headers: IncomingHttpHeaders;
  /** The same as they came. */
  readonly raw: readonly string[];
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
): Promise<Opening> {
  const gone = (): void => cancelStream(stream);
  if (signal.aborted) gone();
  signal.addEventListener("abort", gone, { once: true });
  stream.once("close", () => signal.removeEventListener("abort", gone));
  stream.on("error", () => {});
  let failure: unknown;
  // An app may answer before it has read everything; its answer counts, not the broken upload.
  if (body instanceof ReadableStream)
    void pump(body, stream).catch((reason: unknown) => {
      failure = reason;
    });
  else if (body !== undefined) stream.end(body);
  return new Promise((resolve, reject) => {
    stream.once("response", (headers, _flags, raw) => resolve({ headers, raw }));
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

/**
 * An answer that is small by its length whole, any other as a stream; so is a small one that does not come at once.
 * `without` names headers that stay behind.
 */
export async function readAnswer(
  stream: ClientHttp2Stream,
  { headers, raw }: Opening,
  without: ReadonlySet<string> = none,
): Promise<PlainResponse> {
  const answer = {
    status: Number(headers[":status"]),
    headers: listOf(raw, (name) => without.has(name)),
  };
  if (stream.endAfterHeaders) return answer;
  const leave = (): void => cancelStream(stream);
  const chunked = chunksOf(stream, leave);
  let next = chunked.next();
  const chunks: Buffer[] = [];
  if (!(Number(headers["content-length"] ?? Number.NaN) <= bufferedBytes))
    return { ...answer, body: streamOf(chunks, next, chunked, leave) };
  using late = lateness();
  for (let size = 0; ;) {
    const step = await Promise.race([next, late.come]);
    if (!step) return { ...answer, body: streamOf(chunks, next, chunked, leave) };
    if (step.done) return size === 0 ? answer : { ...answer, body: Buffer.concat(chunks, size) };
    chunks.push(step.value);
    size += step.value.length;
    next = chunked.next();
  }
}

/** How long an answer that is small by its length may take to be there before what is there of it goes on. */
const incomplete = createAbortWatch(20);
function lateness(): { readonly come: Promise<void> } & Disposable {
  let tell = (): void => {};
  const come = new Promise<void>((resolve) => (tell = resolve));
  const waiting: WatchedCall = { before: undefined, after: undefined, onLate: tell };
  incomplete.add(waiting);
  return { come, [Symbol.dispose]: () => incomplete.remove(waiting) };
}

const none: ReadonlySet<string> = new Set();
