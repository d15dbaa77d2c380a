import type { Span } from "./span.ts";
import type { CallOptions } from "#core/ports/component.ts";

/** Where finished spans go. */
export interface SpanSink {
  /** For the log; never holds credentials. */
  readonly where: string;
  /** Longest time of one `send`. */
  readonly timeoutMs: number;
  /** Rejects with `ExportError` when the spans were not all taken. */
  send(spans: readonly Span[], options: CallOptions): Promise<void>;
  close?(): void;
}

/** Spans were not taken. */
export class ExportError extends Error {
  override readonly name = "ExportError";
  /** The same spans may be sent again, after so many milliseconds where the receiver asks for that. */
  readonly retry: boolean;
  readonly retryAfterMs: number | undefined;
  constructor(
    message: string,
    options: {
      readonly retry?: boolean;
      readonly retryAfterMs?: number | undefined;
      readonly cause?: unknown;
    } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.retry = options.retry === true;
    this.retryAfterMs = options.retryAfterMs;
  }
}
