import {
  type ClientHttp2Stream,
  constants,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  type ServerHttp2Stream,
} from "node:http2";
import { cancelStream } from "../channel/http2-cancel.ts";
import { SizeWatch } from "./frames.ts";
import { code, openingHeaders, refuse, trailers } from "./status.ts";

/**
 * Joins a caller's stream to the callee's: frames both ways as they come, each side held back by the other's
 * pace; headers, trailers and cancellation pass through. No message may be larger than the limit.
 */
export function tunnel(
  down: ServerHttp2Stream,
  up: ClientHttp2Stream,
  maxMessageBytes: number,
): void {
  if (down.destroyed || down.closed) return cancelStream(up);
  const joined = new Tunnel(down, up, maxMessageBytes);
  // One object and shared listeners: closures for each call were a tenth of its cost.
  (down as Joined)[ends] = joined;
  (up as Joined)[ends] = joined;
  down.on("data", onRequest);
  down.once("end", onRequestEnd);
  down.once("close", onCallerGone);
  up.on("error", onError);
  up.once("response", onHeaders);
  up.on("data", onAnswer);
  up.once("trailers", onTrailers);
  up.once("end", onAnswerEnd);
  up.once("close", onCalleeGone);
}

const ends = Symbol("outrigger.tunnel");
interface Joined {
  [ends]?: Tunnel;
}

class Tunnel {
  readonly down: ServerHttp2Stream;
  readonly up: ClientHttp2Stream;
  readonly maxBytes: number;
  readonly #request: SizeWatch;
  readonly #answer: SizeWatch;
  /** What the call ends with: the callee's trailers, or our own. */
  ending: OutgoingHttpHeaders | undefined;

  constructor(down: ServerHttp2Stream, up: ClientHttp2Stream, maxBytes: number) {
    this.down = down;
    this.up = up;
    this.maxBytes = maxBytes;
    this.#request = new SizeWatch(maxBytes);
    this.#answer = new SizeWatch(maxBytes);
  }
  request(chunk: Buffer): void {
    const { down, up } = this;
    if (!this.#request.fits(chunk)) return this.#tooLarge();
    if (up.destroyed || up.writableEnded || up.write(chunk)) return;
    down.pause();
    up.once("drain", () => down.resume());
  }
  headers(headers: IncomingHttpHeaders, flags: number): void {
    const { down } = this;
    if (down.destroyed || this.ending) return;
    const given = responseHeaders(headers);
    if ((flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0) {
      this.ending = given;
      down.respond(given, { endStream: true });
      return;
    }
    down.respond(given, { waitForTrailers: true });
    down.once("wantTrailers", onWantTrailers);
  }
  answer(chunk: Buffer): void {
    const { down, up } = this;
    if (!this.#answer.fits(chunk)) return this.#tooLarge();
    if (down.destroyed || down.writableEnded || down.write(chunk)) return;
    up.pause();
    down.once("drain", () => up.resume());
  }
  answerEnd(): void {
    if (this.down.headersSent && !this.down.destroyed) this.down.end();
  }
  /** Ends the call with a status of our own, where the callee has sent none. */
  fail(status: number, message: string): void {
    const { down, up } = this;
    cancelStream(up);
    if (this.ending || down.destroyed) return;
    this.ending = trailers({ code: status, message });
    if (down.headersSent) down.end();
    else refuse(down, { code: status, message });
  }
  #tooLarge(): void {
    this.fail(code.resourceExhausted, `grpc: message larger than max (${this.maxBytes})`);
  }
}

function onRequest(this: ServerHttp2Stream & Joined, chunk: string | Buffer): void {
  this[ends]?.request(chunk as Buffer);
}
function onRequestEnd(this: ServerHttp2Stream & Joined): void {
  // A stream that is reset ends as well; that the caller was done only its word says.
  if (this.rstCode === constants.NGHTTP2_NO_ERROR) this[ends]?.up.end();
}
function onCallerGone(this: ServerHttp2Stream & Joined): void {
  const up = this[ends]?.up;
  if (up && !up.closed) cancelStream(up);
}
function onHeaders(
  this: ClientHttp2Stream & Joined,
  headers: IncomingHttpHeaders,
  flags: number,
): void {
  this[ends]?.headers(headers, flags);
}
function onAnswer(this: ClientHttp2Stream & Joined, chunk: string | Buffer): void {
  this[ends]?.answer(chunk as Buffer);
}
function onTrailers(this: ClientHttp2Stream & Joined, headers: IncomingHttpHeaders): void {
  const joined = this[ends];
  if (joined) joined.ending ??= { ...headers };
}
function onAnswerEnd(this: ClientHttp2Stream & Joined): void {
  const joined = this[ends];
  // Trailers may be told after the data has ended.
  if (joined?.ending) joined.answerEnd();
  else setImmediate(() => joined?.answerEnd());
}
function onCalleeGone(this: ClientHttp2Stream & Joined): void {
  const joined = this[ends];
  if (!joined || joined.down.destroyed || joined.down.writableEnded) return;
  // The callee's runtime was ending and has not begun with it; said as it is, clients send it again by themselves.
  if (this.rstCode === constants.NGHTTP2_REFUSED_STREAM && !joined.down.headersSent)
    joined.down.close(constants.NGHTTP2_REFUSED_STREAM);
  else joined.fail(code.unavailable, "The connection to the app was lost");
}
function onWantTrailers(this: ServerHttp2Stream & Joined): void {
  if (!this.destroyed) this.sendTrailers(this[ends]?.ending ?? noStatus);
}
/** "close" follows, and tells. */
function onError(): void {}

export const noStatus: OutgoingHttpHeaders = trailers({
  code: code.unavailable,
  message: "The app ended the call without a status",
});

/** The callee's headers as the caller gets them. */
export function responseHeaders(headers: IncomingHttpHeaders): OutgoingHttpHeaders {
  const out = openingHeaders(undefined);
  const given: OutgoingHttpHeaders = { ...out };
  for (const name in headers)
    if (name !== "connection" && name !== "content-length" && name !== ":status")
      given[name] = headers[name];
  return given;
}
