import {
  type ClientHttp2Stream,
  constants,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
} from "node:http2";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { TooLargeError } from "#core/util/bounded-read.ts";
import type { CallOptions } from "#core/ports/component.ts";
import type {
  AppChannel,
  AppRef,
  Clock,
  HeaderList,
  PlainRequest,
  PlainResponse,
} from "#core/ports/platform.ts";
import type { Http2Pool } from "../http2-pool.ts";
import { noteStreamed } from "../streamed.ts";
import {
  calleeAppId,
  calleeNamespace,
  connectionHeaders,
  extras,
  readExtras,
  refusal,
} from "./wire.ts";

/** Answers up to this size are read whole. */
const bufferedBytes = 65_536;
/** DaprBuiltInServiceRetries. */
const retries = 3;
const retryMs = 1000;

export interface PeerRoute {
  /** A connection to a runtime that hosts the app. Rejects when none is known. */
  connect(to: AppRef, options: CallOptions): Promise<{ readonly pool: Http2Pool; failed(): void }>;
  readonly clock: Clock;
}

/** The app of another process: calls go to the runtime that hosts it. */
export function peerChannel(route: PeerRoute, to: AppRef): AppChannel {
  return {
    send: async (request, options) => {
      const headers = requestHeaders(request, to);
      for (let tries = 0; ; tries++) {
        const { pool, failed } = await route.connect(to, options);
        let stream: ClientHttp2Stream;
        try {
          stream = await pool.request(headers, { endStream: request.body === undefined });
        } catch (reason) {
          failed();
          // Nothing has been sent yet; a stream could still not be sent twice, and Dapr never retries one.
          if (tries === retries || request.body instanceof ReadableStream) throw reason;
          await route.clock.sleep(retryMs, options);
          continue;
        }
        return exchange(stream, request, options);
      }
    },
  };
}

async function exchange(
  stream: ClientHttp2Stream,
  { body }: PlainRequest,
  { signal }: CallOptions,
): Promise<PlainResponse> {
  const gone = (): void => stream.close(constants.NGHTTP2_CANCEL);
  if (signal.aborted) gone();
  signal.addEventListener("abort", gone, { once: true });
  stream.once("close", () => signal.removeEventListener("abort", gone));
  stream.on("error", () => {});
  // An app may answer before it has read everything; its answer counts, not the broken upload.
  let failure: unknown;
  if (body instanceof ReadableStream)
    void pipeline(Readable.from(counted(body)), stream).catch((reason: unknown) => {
      failure = reason;
    });
  else if (body !== undefined) stream.end(body);
  const headers = await responded(stream, () => failure);
  const refused = headers[refusal];
  if (refused !== undefined) {
    gone();
    throw new Error(decodeURIComponent([refused].flat().join()));
  }
  return answerOf(stream, headers);
}

/** `upload` tells why the body could not be sent, where that is so. */
function responded(stream: ClientHttp2Stream, upload: () => unknown): Promise<IncomingHttpHeaders> {
  return new Promise((resolve, reject) => {
    stream.once("response", (headers) => resolve(headers));
    stream.once("close", () =>
      // The upload's own failure is told after the stream has closed.
      setImmediate(() => {
        const reason = upload();
        reject(
          reason instanceof TooLargeError
            ? reason
            : new Error("the connection to the runtime of the app was lost"),
        );
      }),
    );
  });
}

async function answerOf(
  stream: ClientHttp2Stream,
  headers: IncomingHttpHeaders,
): Promise<PlainResponse> {
  const status = Number(headers[":status"]);
  const list: string[] = [];
  for (const name of Object.keys(headers)) {
    if (name.startsWith(":") || extras.has(name)) continue;
    for (const value of [headers[name]].flat()) list.push(name, String(value));
  }
  const chunks: Buffer[] = [];
  let size = 0;
  const chunked = stream[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  // A small answer is cheaper whole; what grows past that goes on as a stream.
  for (;;) {
    const { done, value } = await chunked.next();
    if (done) {
      const body = Buffer.concat(chunks, size);
      const answer = { status, headers: list, ...readExtras(headers) };
      return size === 0 ? answer : { ...answer, body };
    }
    chunks.push(value);
    size += value.length;
    if (size > bufferedBytes || headers["content-type"] === "text/event-stream") break;
  }
  return { status, headers: list, body: streamOf(chunks, chunked) };
}

function streamOf(first: Buffer[], rest: AsyncIterator<Buffer>): ReadableStream<Uint8Array> {
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
        await rest.return?.();
      },
    },
    { highWaterMark: 0 },
  );
}

async function* counted(body: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const chunk of body as unknown as AsyncIterable<Uint8Array>) {
    noteStreamed(chunk.byteLength);
    yield chunk;
  }
}

function requestHeaders({ method, path, headers }: PlainRequest, to: AppRef): OutgoingHttpHeaders {
  const out: Record<string, string | string[]> = { ":method": method, ":path": path };
  addHeaders(out, headers);
  return { ...out, ...calleeHeaders(to) };
}
function addHeaders(out: Record<string, string | string[]>, headers: HeaderList): void {
  for (let i = 0; i < headers.length; i += 2) {
    const name = (headers[i] as string).toLowerCase();
    if (connectionHeaders.has(name) || (name === "te" && headers[i + 1] !== "trailers")) continue;
    const before = out[name];
    const value = headers[i + 1] as string;
    out[name] = before === undefined ? value : [before, value].flat();
  }
}
export function calleeHeaders({ appId, namespace }: AppRef): OutgoingHttpHeaders {
  return { [calleeAppId]: appId, [calleeNamespace]: namespace };
}
