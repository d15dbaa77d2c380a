import type { Dispatcher } from "undici";
import type { CallOptions } from "#core/ports/component.ts";
import type { HeaderList, PlainResponse } from "#core/ports/platform.ts";
import { noteStreamed } from "./streamed.ts";
import type { Waiting, Watch } from "./watch.ts";

/** Answers up to this size are read whole; larger ones, and those of unknown length, are streamed. */
const bufferedBytes = 65_536;

/** Collects a small answer, or turns a large one into a stream that the reader's pace holds back. */
export class AnswerHandler implements Dispatcher.DispatchHandler, Waiting {
  before: Waiting | undefined;
  after: Waiting | undefined;
  readonly #call: CallOptions;
  readonly #resolve: (response: PlainResponse) => void;
  readonly #reject: (reason: unknown) => void;
  readonly #watch: Watch;
  readonly #release: (() => void) | undefined;
  #controller: Dispatcher.DispatchController | undefined;
  #following = false;
  #status = 0;
  #headers: HeaderList = [];
  #first: Uint8Array | undefined;
  #rest: Uint8Array[] | undefined;
  #stream: ReadableStreamDefaultController<Uint8Array> | undefined;

  constructor(
    call: CallOptions,
    resolve: (response: PlainResponse) => void,
    reject: (reason: unknown) => void,
    watch: Watch,
    release: (() => void) | undefined,
  ) {
    this.#watch = watch;
    this.#release = release;
    this.#call = call;
    this.#resolve = resolve;
    this.#reject = reject;
  }
  /** From now on the call ends when its caller goes away. */
  followCaller(): void {
    if (this.#following) return;
    this.#following = true;
    const { signal } = this.#call;
    if (signal.aborted) this.#abort();
    else signal.addEventListener("abort", () => this.#abort(), { once: true });
  }
  fail(reason: unknown): void {
    this.#ended();
    this.#stream?.error(reason);
    this.#reject(reason);
  }
  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    // It may have waited for a connection longer than its caller for it.
    if (this.#following && this.#call.signal.aborted) this.#abort();
  }
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
      noteStreamed(chunk.byteLength);
      this.#stream.enqueue(chunk);
      if ((this.#stream.desiredSize ?? 0) <= 0) controller.pause();
    } else if (!this.#first) this.#first = chunk;
    else (this.#rest ??= []).push(chunk);
  }
  onResponseEnd(): void {
    this.#ended();
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
    this.fail(reason);
  }
  #ended(): void {
    this.#watch.remove(this);
    this.#release?.();
  }
  #abort(): void {
    const { reason } = this.#call.signal as { readonly reason: unknown };
    this.#controller?.abort(reason instanceof Error ? reason : new Error("The caller went away"));
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
    this.followCaller();
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
