import { messageOf } from "#core/errors/component-error.ts";
import type { Platform } from "#core/ports/platform.ts";
import { ExportError, type SpanSink } from "./span-sink.ts";
import { pauseAfter, type Pauses } from "#core/util/backoff.ts";
import { within } from "#core/util/time-limit.ts";
import type { Span } from "./span.ts";

export interface BatchLimits {
  /** How long a span may wait for company. */
  readonly delayMs: number;
  /** Spans that wait; past it the oldest are lost. */
  readonly maxQueue: number;
  /** Spans of one export. */
  readonly maxBatch: number;
}
export interface BatcherDeps {
  readonly platform: Pick<Platform, "background" | "clock" | "log" | "sleepsBetweenRequests">;
  readonly appId: string;
  readonly limits: BatchLimits;
}
/** Between the spans of an app and one exporter: a bounded queue, and nothing that a request waits for. */
export interface Batcher {
  add(span: Span): void;
  /** Sends what waits, without trying again; resolves when it is sent or lost. */
  flush(): Promise<void>;
  close(): void;
}

const complainMs = 60_000;
const retries: Pauses = { firstMs: 1000, longestMs: 30_000, jitter: [0.5, 1.5] };
/** Of all tries of one batch together. */
const retryingMs = 60_000;

export function createBatcher(sink: SpanSink, deps: BatcherDeps): Batcher {
  const { clock, log, background, sleepsBetweenRequests } = deps.platform;
  const { delayMs, maxQueue, maxBatch } = deps.limits;
  const queue: Span[] = [];
  const closed = new AbortController();
  /** Ends the wait for company. */
  let company = new AbortController();
  /** Ends the wait before another try, and allows none after it. */
  let hurry = new AbortController();
  let pumping: Promise<void> | undefined;
  let isDue = false;
  let lost = 0;
  let complained = Number.NEGATIVE_INFINITY;

  /** One line a minute, whatever happens. */
  function complain(why: string): void {
    if (clock.now() - complained < complainMs) return;
    complained = clock.now();
    log.warn(`Cannot export spans to ${sink.where}: ${why}`, { app_id: deps.appId, lost });
    lost = 0;
  }

  async function sendBatch(spans: readonly Span[]): Promise<void> {
    const began = clock.now();
    for (let failures = 0; ; failures++) {
      try {
        return await within(clock, sink.timeoutMs, { signal: closed.signal }, (options) =>
          sink.send(spans, options),
        );
      } catch (reason) {
        const mayRetry = reason instanceof ExportError && reason.retry;
        const ms = (mayRetry && reason.retryAfterMs) || pauseAfter(failures, retries);
        const isOver = clock.now() + ms - began > retryingMs || hurry.signal.aborted;
        if (!mayRetry || isOver || closed.signal.aborted) {
          lost += spans.length;
          return complain(messageOf(reason));
        }
        await clock.sleep(ms, { signal: hurry.signal }).catch(() => {});
      }
    }
  }
  async function sendAll(): Promise<void> {
    while (queue.length > 0 && !closed.signal.aborted) await sendBatch(queue.splice(0, maxBatch));
  }
  /** Waits for company and sends, in turns, until nothing is left. There is never more than one. */
  async function pump(): Promise<void> {
    while (queue.length > 0 && !closed.signal.aborted) {
      if (queue.length < maxBatch && !hurry.signal.aborted) {
        company = new AbortController();
        await clock.sleep(delayMs, { signal: company.signal }).catch(() => {});
      }
      if (queue.length > 0) await sendBatch(queue.splice(0, maxBatch));
    }
    pumping = undefined;
  }
  /** Nothing is shared between requests but the queue: what one of them waits for ends with it. */
  function sendWithRequest(): void {
    if (isDue) return;
    isDue = true;
    const sending = Promise.resolve().then(() => {
      isDue = false;
      return sendAll();
    });
    try {
      background(sending);
    } catch {
      // Outside of any request nothing can be waited for; it is sent as far as the platform lets it.
    }
  }

  return {
    add: (span) => {
      if (closed.signal.aborted) return;
      if (queue.length >= maxQueue) {
        queue.shift();
        lost++;
        complain(`more than ${maxQueue} wait`);
      }
      queue.push(span);
      if (sleepsBetweenRequests) {
        if (!span.isChild) sendWithRequest();
      } else if (!pumping) pumping = pump();
      else if (queue.length === maxBatch) company.abort();
    },
    flush: async () => {
      if (sleepsBetweenRequests) return sendAll();
      const before = hurry;
      before.abort();
      company.abort();
      await pumping;
      if (hurry === before) hurry = new AbortController();
      // What was added while the last batch was on its way.
      await sendAll();
    },
    close: () => {
      lost += queue.length;
      queue.length = 0;
      if (lost > 0) {
        complained = Number.NEGATIVE_INFINITY;
        complain("the app has ended");
      }
      closed.abort(new Error("The app has ended"));
      hurry.abort();
      company.abort();
      sink.close?.();
    },
  };
}
