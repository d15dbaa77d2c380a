import {
  type ClientHttp2Stream,
  constants,
  type IncomingHttpHeaders,
  type ServerHttp2Stream,
} from "node:http2";
import type { GrpcStatus } from "#core/wire/grpc/render-error.ts";
import type { CallOptions } from "#core/ports/component.ts";
import { PermanentError } from "#core/resiliency/failure.ts";
import type { Guard } from "#core/resiliency/guard.ts";
import { cancelStream } from "../channel/http2-cancel.ts";
import { CallFault, tooLarge } from "./call-fault.ts";
import { SizeWatch } from "./frames.ts";
import { KeptRequest } from "./kept-request.ts";
import { code, trailers } from "./status.ts";
import { noStatus, responseHeaders } from "./tunnel.ts";

export interface GuardedCall {
  readonly guard: Guard;
  /** True: the policy may send the request again, which must be one message then. */
  readonly repeats: boolean;
  readonly stream: ServerHttp2Stream;
  readonly maxMessageBytes: number;
  /** The caller's. */
  readonly options: CallOptions;
  /** A stream to the callee; asked for with each try. */
  open(): Promise<ClientHttp2Stream>;
}

/** The callee ended the call with a status other than OK, which policies look at. */
class CalleeFault extends Error {
  readonly status: number;
  readonly end: IncomingHttpHeaders;
  /** Absent where the status came with the headers. */
  readonly opening: IncomingHttpHeaders | undefined;
  constructor(end: IncomingHttpHeaders, opening: IncomingHttpHeaders | undefined) {
    super(`the app answered ${String(end["grpc-status"])}`);
    this.status = Number(end["grpc-status"]);
    this.end = end;
    this.opening = opening;
  }
}

/**
 * Makes a proxied call under the policies of its target, from its first message to its status. Answers go to
 * the caller as they come; after the first of them nothing is tried again. Rejects with what is to be said where
 * the callee has said nothing.
 */
export async function guardedCall(call: GuardedCall): Promise<void> {
  const { stream, maxMessageBytes, repeats } = call;
  const request = new KeptRequest(stream, repeats, maxMessageBytes);
  const answer = new Answer(stream);
  try {
    await call.guard(async (options) => {
      const up = await call.open();
      await relay(up, request, answer, options, maxMessageBytes);
    }, call.options);
  } catch (caught) {
    const reason = caught instanceof PermanentError ? caught.cause : caught;
    if (!(reason instanceof CalleeFault)) throw reason;
    answer.finish(reason.end, reason.opening);
  }
}

/** What the caller gets, of whichever try. */
class Answer {
  readonly #stream: ServerHttp2Stream;
  #end: IncomingHttpHeaders | undefined;
  constructor(stream: ServerHttp2Stream) {
    this.#stream = stream;
  }
  get isOpen(): boolean {
    return this.#stream.headersSent;
  }
  /** False: the caller reads more slowly than it is sent to. */
  write(chunk: Buffer, opening: IncomingHttpHeaders, drained: () => void): boolean {
    if (this.#stream.destroyed) return true;
    this.#open(opening);
    if (this.#stream.write(chunk)) return true;
    this.#stream.once("drain", drained);
    return false;
  }
  finish(end: IncomingHttpHeaders, opening: IncomingHttpHeaders | undefined): void {
    const stream = this.#stream;
    if (stream.destroyed) return;
    this.#end = end;
    if (!stream.headersSent && opening === undefined)
      return stream.respond(responseHeaders(end), { endStream: true });
    this.#open(opening ?? {});
    stream.end();
  }
  #open(opening: IncomingHttpHeaders): void {
    const stream = this.#stream;
    if (stream.headersSent) return;
    stream.respond(responseHeaders(opening), { waitForTrailers: true });
    stream.once("wantTrailers", () => {
      if (!stream.destroyed) stream.sendTrailers({ ...(this.#end ?? noStatus) });
    });
  }
}

/** One try: resolves when the callee has ended the call with OK. */
function relay(
  up: ClientHttp2Stream,
  request: KeptRequest,
  answer: Answer,
  { signal }: CallOptions,
  maxMessageBytes: number,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const sizes = new SizeWatch(maxMessageBytes);
    let opening: IncomingHttpHeaders | undefined;
    let end: IncomingHttpHeaders | undefined;
    let isOver = false;
    /** False from the second time on. */
    const settle = (): boolean => {
      if (isOver) return false;
      isOver = true;
      signal.removeEventListener("abort", onAbort);
      return true;
    };
    const fail = (reason: unknown): void => {
      if (!settle()) return;
      cancelStream(up);
      reject(answer.isOpen ? new PermanentError(reason) : reason);
    };
    const onAbort = (): void => fail(signal.reason);
    up.on("error", () => {});
    if (signal.aborted) return fail(signal.reason);
    signal.addEventListener("abort", onAbort);

    up.once("response", (headers, flags) => {
      if ((flags & constants.NGHTTP2_FLAG_END_STREAM) === 0) opening = headers;
      else end = headers;
    });
    up.on("data", (chunk: Buffer) => {
      if (isOver) return;
      if (!sizes.fits(chunk)) return fail(new PermanentError(tooLarge(maxMessageBytes)));
      if (!answer.write(chunk, opening ?? {}, () => up.resume())) up.pause();
    });
    up.once("trailers", (headers) => (end = headers));
    // Trailers and the status in the headers have been told by then.
    up.once("close", () => {
      if (end?.["grpc-status"] === undefined)
        return fail(new CallFault(code.unavailable, whyWithoutStatus(up)));
      if (end["grpc-status"] !== "0") return fail(new CalleeFault(end, opening));
      if (!settle()) return;
      answer.finish(end, opening);
      resolve();
    });
    request.sendTo(up, (reason) => fail(new PermanentError(reason)));
  });
}

function whyWithoutStatus({ rstCode }: ClientHttp2Stream): string {
  return rstCode === constants.NGHTTP2_NO_ERROR
    ? "The app ended the call without a status"
    : "The connection to the app was lost";
}

/** Ends the caller's stream with a status of the runtime's, whatever it has got so far. */
export function endWith(stream: ServerHttp2Stream, status: GrpcStatus): boolean {
  if (!stream.headersSent || stream.destroyed || stream.writableEnded) return false;
  stream.removeAllListeners("wantTrailers");
  stream.once("wantTrailers", () => stream.sendTrailers(trailers(status)));
  stream.end();
  return true;
}
