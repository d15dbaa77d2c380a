import { Readable } from "node:stream";
import { Pool, type Dispatcher } from "undici";
import type { CallOptions } from "#core/ports/component.ts";
import { createSlots } from "./slots.ts";
import type { AppChannel, HeaderList, PlainRequest, PlainResponse } from "#core/ports/platform.ts";

export interface HttpChannelOptions {
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
  /** Calls in flight, each until its answer is read; 0 or less means no limit. */
  readonly maxConcurrency: number;
}
/** Answers up to this size are read whole; larger ones, and those of unknown length, are streamed. */
const bufferedBytes = 65_536;
/** Dapr's own limit of connections to an app. */
const connections = 1024;

/** The app behind an address, over HTTP/1.1. Undici's pool is driven directly: its promise API costs as much again. */
export function httpChannel(options: HttpChannelOptions): AppChannel & AsyncDisposable {
  const host = options.host.includes(":") ? `[${options.host}]` : options.host;
  const pool = new Pool(`${options.tls ? "https" : "http"}://${host}:${options.port}`, {
    connections,
    // Dapr sets no time limit on an app; whoever wants one says so in a resiliency policy.
    headersTimeout: 0,
    bodyTimeout: 0,
    // Dapr: the certificate of an app is not verified.
    connect: { timeout: 15_000, rejectUnauthorized: false },
    keepAliveTimeout: 30_000,
  });
  const slots = options.maxConcurrency > 0 ? createSlots(options.maxConcurrency) : undefined;
  const send = (
    request: PlainRequest,
    call: CallOptions,
    ended?: () => void,
  ): Promise<PlainResponse> =>
    new Promise((resolve, reject) => {
      pool.dispatch(dispatchOptions(request), new AnswerHandler(call, resolve, reject, ended));
    });
  return {
    send: slots
      ? async (request, call) => {
          const release = await slots.take(call);
          return send(request, call, release);
        }
      : send,
    [Symbol.asyncDispose]: () => pool.destroy(),
  };
}

function dispatchOptions(request: PlainRequest): Dispatcher.DispatchOptions {
  const { body } = request;
  return {
    path: request.path,
    method: request.method as Dispatcher.HttpMethod,
    headers: request.headers as string[],
    body: body instanceof ReadableStream ? Readable.fromWeb(body as never) : (body ?? null),
  };
}

/** Collects a small answer, or turns a large one into a stream that the reader's pace holds back. */
class AnswerHandler implements Dispatcher.DispatchHandler {
  readonly #call: CallOptions;
  readonly #resolve: (response: PlainResponse) => void;
  readonly #reject: (reason: unknown) => void;
  readonly #ended: (() => void) | undefined;
  #status = 0;
  #headers: HeaderList = [];
  #first: Uint8Array | undefined;
  #rest: Uint8Array[] | undefined;
  #stream: ReadableStreamDefaultController<Uint8Array> | undefined;

  constructor(
    call: CallOptions,
    resolve: (response: PlainResponse) => void,
    reject: (reason: unknown) => void,
    ended?: () => void,
  ) {
    this.#ended = ended;
    this.#call = call;
    this.#resolve = resolve;
    this.#reject = reject;
  }
  onRequestStart(): void {}
  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, string | string[] | undefined>,
  ): void {
    if (status < 200) return;
    this.#status = status;
    this.#headers = listOf(controller.rawHeaders, headers);
    const length = headers["content-length"];
    const small = status === 204 || status === 304 || Number(length ?? Number.NaN) <= bufferedBytes;
    if (!small) this.#startStream(controller);
  }
  onResponseData(controller: Dispatcher.DispatchController, chunk: Uint8Array): void {
    if (this.#stream) {
      this.#stream.enqueue(chunk);
      if ((this.#stream.desiredSize ?? 0) <= 0) controller.pause();
    } else if (!this.#first) this.#first = chunk;
    else (this.#rest ??= []).push(chunk);
  }
  onResponseEnd(): void {
    this.#ended?.();
    if (this.#stream) {
      this.#stream.close();
      return;
    }
    const body = this.#rest
      ? Buffer.concat([this.#first as Uint8Array, ...this.#rest])
      : this.#first;
    this.#resolve(
      body === undefined
        ? { status: this.#status, headers: this.#headers }
        : { status: this.#status, headers: this.#headers, body },
    );
  }
  onResponseError(_controller: Dispatcher.DispatchController, reason: Error): void {
    this.#ended?.();
    if (this.#stream) this.#stream.error(reason);
    this.#reject(reason);
  }
  #startStream(controller: Dispatcher.DispatchController): void {
    const body = new ReadableStream<Uint8Array>(
      {
        start: (stream) => {
          this.#stream = stream;
        },
        pull: () => controller.resume(),
        cancel: (reason) =>
          controller.abort(reason instanceof Error ? reason : new Error("Reader gone")),
      },
      new ByteLengthQueuingStrategy({ highWaterMark: bufferedBytes }),
    );
    // Only a stream can outlive its caller; a small answer is read to its end anyway.
    this.#call.signal.addEventListener("abort", () => controller.abort(new Error("Caller gone")), {
      once: true,
    });
    this.#resolve({ status: this.#status, headers: this.#headers, body });
  }
}

function listOf(
  raw: Dispatcher.DispatchController["rawHeaders"],
  parsed: Record<string, string | string[] | undefined>,
): HeaderList {
  if (Array.isArray(raw))
    return raw.map((part) => (typeof part === "string" ? part : part.toString("latin1")));
  return Object.entries(parsed).flatMap(([name, value]) =>
    Array.isArray(value) ? value.flatMap((each) => [name, each]) : [name, value ?? ""],
  );
}
