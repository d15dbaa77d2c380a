import type { IncomingHttpHeaders, ServerHttp2Stream } from "node:http2";
import { toApiError } from "#core/errors/api-error.ts";
import { type GrpcStatus, renderStatus } from "#core/wire/grpc/render-error.ts";
import type { GrpcMethod } from "#core/wire/grpc/surface.ts";
import type { StreamOrigin } from "./caller.ts";
import { timeoutMs } from "./deadline.ts";
import { frame, prefixBytes } from "./frames.ts";
import { code, openingHeaders, refuse, trailers } from "./status.ts";

export type UnaryMethod = Extract<GrpcMethod, { readonly kind: "unary" }>;

/**
 * Serves one unary call straight from its HTTP/2 stream. grpc-js would do it as well, at about twice the
 * CPU: it builds a call, a listener chain and two metadata objects per call (docs/performance.md).
 */
export function serveUnary(
  method: UnaryMethod,
  caller: StreamOrigin,
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
): void {
  new UnaryCall(method, caller, stream, caller.app.limits.maxBodyBytes).start(headers);
}

class UnaryCall {
  readonly #method: UnaryMethod;
  readonly #caller: StreamOrigin;
  readonly #stream: ServerHttp2Stream;
  readonly #maxBytes: number;
  #chunks: Buffer[] = [];
  #size = 0;
  /** Of the whole frame, once its prefix is there. */
  #wanted = -1;
  #timer: NodeJS.Timeout | undefined;
  #answered = false;

  constructor(
    method: UnaryMethod,
    caller: StreamOrigin,
    stream: ServerHttp2Stream,
    maxBytes: number,
  ) {
    this.#method = method;
    this.#caller = caller;
    this.#stream = stream;
    this.#maxBytes = maxBytes;
  }

  start(headers: IncomingHttpHeaders): void {
    const ms = timeoutMs(headers["grpc-timeout"] as string | undefined);
    if (ms !== undefined) {
      this.#timer = setTimeout(() => {
        this.#fail({ code: code.deadlineExceeded, message: "Deadline exceeded" });
        this.#caller.cancel(new Error("The call's deadline has passed"));
      }, ms);
      this.#timer.unref();
      this.#stream.once("close", () => clearTimeout(this.#timer));
    }
    this.#stream.on("data", (chunk: Buffer) => this.#take(chunk));
    this.#stream.once("end", () => {
      if (this.#wanted !== -2 && !this.#answered)
        this.#fail({ code: code.internal, message: "The request ended before its message" });
    });
  }

  #take(chunk: Buffer): void {
    // The message is there already: a unary call has one.
    if (this.#wanted === -2 || this.#answered) return;
    this.#chunks.push(chunk);
    this.#size += chunk.length;
    if (this.#size < prefixBytes) return;
    let whole = this.#chunks.length === 1 ? chunk : undefined;
    if (this.#wanted === -1) {
      const head = whole ?? (whole = this.#joined());
      if (head[0] !== 0)
        return this.#fail({
          code: code.internal,
          message: "Compressed message without grpc-encoding",
        });
      const length = head.readUInt32BE(1);
      if (length > this.#maxBytes)
        return this.#fail({
          code: code.resourceExhausted,
          message: `grpc: received message larger than max (${length} vs. ${this.#maxBytes})`,
        });
      this.#wanted = prefixBytes + length;
    }
    if (this.#size < this.#wanted) return;
    whole ??= this.#joined();
    const message = whole.subarray(prefixBytes, this.#wanted);
    this.#wanted = -2;
    this.#chunks = [];
    void this.#run(message);
  }
  #joined(): Buffer {
    const whole = Buffer.concat(this.#chunks, this.#size);
    this.#chunks = [whole];
    return whole;
  }

  async #run(message: Buffer): Promise<void> {
    let answer: Uint8Array;
    try {
      answer = await this.#method.call(message, this.#caller);
    } catch (reason) {
      return this.#fail(renderStatus(toApiError(reason)));
    }
    if (answer.byteLength > this.#maxBytes)
      return this.#fail({
        code: code.resourceExhausted,
        message: `grpc: trying to send message larger than max (${answer.byteLength} vs. ${this.#maxBytes})`,
      });
    if (!this.#ends()) return;
    const stream = this.#stream;
    stream.respond(openingHeaders(this.#caller.metadata), { waitForTrailers: true });
    stream.once("wantTrailers", sendOk);
    stream.end(frame(answer));
  }

  #fail(status: GrpcStatus): void {
    if (!this.#ends()) return;
    refuse(this.#stream, status, this.#caller.metadata);
    // Whatever of the request is still to come is of no use; left unread it would hold the stream open.
    if (this.#wanted !== -2) this.#stream.resume();
  }
  /** True for the first to end the call, while there is somebody to tell. */
  #ends(): boolean {
    clearTimeout(this.#timer);
    if (this.#answered) return false;
    this.#answered = true;
    return !this.#stream.destroyed && !this.#stream.closed;
  }
}

const ok = trailers({ code: code.ok, message: "" });
function sendOk(this: ServerHttp2Stream): void {
  this.sendTrailers(ok);
}
