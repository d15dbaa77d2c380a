import type { Dispatcher } from "undici";
import type { CallOptions } from "#core/ports/component.ts";
import type { HeaderList, PlainResponse } from "#core/ports/platform.ts";
import { noteExternalBytes } from "../memory/external-memory.ts";
import { createAbortWatch, type WatchedCall, type AbortWatch } from "./abort-watch.ts";

/** Answers up to this size are read whole; larger ones, and those of unknown length, are streamed. */
const bufferedBytes = 65_536;
/** How long a call waits for its answer before it is looked at whether the caller is still there. */
const callerMs = 500;
/** How long an answer that is small by its length may take to be there before what is there of it goes on. */
const wholeMs = 20;

/** What the answers of one pool have in common. */
export interface ResponsePolicy {
  readonly waiting: AbortWatch;
  readonly incomplete: AbortWatch;
  /** True: an answer that ends before its declared length is taken as it is. */
  readonly takesShort: boolean;
}
export function responsePolicy(takesShort: boolean): ResponsePolicy {
  return { waiting: createAbortWatch(callerMs), incomplete: createAbortWatch(wholeMs), takesShort };
}

/** Collects a small answer, or turns a large or slow one into a stream that the reader's pace holds back. */
export class ResponseHandler implements Dispatcher.DispatchHandler, WatchedCall {
  before: WatchedCall | undefined;
  after: WatchedCall | undefined;
  readonly #call: CallOptions;
  readonly #resolve: (response: PlainResponse) => void;
  readonly #reject: (reason: unknown) => void;
  readonly #policy: ResponsePolicy;
  readonly #release: (() => void) | undefined;
  readonly #isHead: boolean;
  #watch: AbortWatch;
  #controller: Dispatcher.DispatchController | undefined;
  #following = false;
  #status = 0;
  #reason = "";
  #headers: HeaderList = [];
  #length: string | undefined;
  #first: Uint8Array | undefined;
  #rest: Uint8Array[] | undefined;
  #stream: ReadableStreamDefaultController<Uint8Array> | undefined;

  constructor(
    call: CallOptions,
    resolve: (response: PlainResponse) => void,
    reject: (reason: unknown) => void,
    policy: ResponsePolicy,
    release: (() => void) | undefined,
    isHead: boolean,
  ) {
    this.#isHead = isHead;
    this.#policy = policy;
    this.#release = release;
    this.#call = call;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#watch = policy.waiting;
    policy.waiting.add(this);
  }
  onLate(): void {
    if (this.#status === 0) this.#followCaller();
    else if (!this.#stream) this.#startStream();
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
    reason = "",
  ): void {
    if (status < 200) return;
    this.#status = status;
    this.#reason = reason;
    this.#headers = listOf(controller.rawHeaders, headers);
    this.#length = headers["content-length"] as string | undefined;
    if (this.#isHead || status === 204 || status === 304 || this.#length === "0") return;
    if (Number(this.#length ?? Number.NaN) <= bufferedBytes) {
      this.#watch.remove(this);
      this.#watch = this.#policy.incomplete;
      this.#watch.add(this);
    } else this.#startStream();
  }
  onResponseData(controller: Dispatcher.DispatchController, chunk: Uint8Array): void {
    if (this.#stream) {
      noteExternalBytes(chunk.byteLength);
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
    this.#answer(body);
  }
  onResponseError(_controller: Dispatcher.DispatchController, reason: Error): void {
    const isShort = this.#length !== undefined && isEnd(reason);
    if (isShort && this.#policy.takesShort) this.onResponseEnd();
    else this.fail(reason);
  }
  #ended(): void {
    this.#watch.remove(this);
    this.#release?.();
  }
  /** From now on the call ends when its caller goes away: asking every signal at once would make a controller for each. */
  #followCaller(): void {
    if (this.#following) return;
    this.#following = true;
    const { signal } = this.#call;
    if (signal.aborted) this.#abort();
    else signal.addEventListener("abort", () => this.#abort(), { once: true });
  }
  #abort(): void {
    const { reason } = this.#call.signal as { readonly reason: unknown };
    this.#controller?.abort(reason instanceof Error ? reason : new Error("The caller went away"));
  }
  #startStream(): void {
    const controller = this.#controller;
    const body = new ReadableStream<Uint8Array>(
      {
        start: (stream) => {
          this.#stream = stream;
        },
        pull: () => controller?.resume(),
        cancel: (reason) =>
          controller?.abort(reason instanceof Error ? reason : new Error("Reader gone")),
      },
      new ByteLengthQueuingStrategy({ highWaterMark: bufferedBytes }),
    );
    if (this.#first) this.#stream?.enqueue(this.#first);
    for (const chunk of this.#rest ?? []) this.#stream?.enqueue(chunk);
    this.#followCaller();
    this.#answer(body);
  }
  #answer(body: PlainResponse["body"]): void {
    const answer = { status: this.#status, reason: this.#reason, headers: this.#headers };
    this.#resolve(body === undefined ? answer : { ...answer, body });
  }
}

/** The other side has closed the connection in good order, with less than it had promised. */
function isEnd(reason: Error & { readonly code?: string }): boolean {
  return (
    reason.code === "UND_ERR_RES_CONTENT_LENGTH_MISMATCH" ||
    (reason.code === "UND_ERR_SOCKET" && reason.message === "other side closed")
  );
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
