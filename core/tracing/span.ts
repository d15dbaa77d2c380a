import type { Clock } from "#core/ports/platform.ts";

/** Those of OpenTelemetry's kinds that Dapr gives its spans. */
export type SpanKind = "client" | "server" | "producer";

/** Takes spans that have ended. */
export interface SpanRecorder {
  readonly clock: Pick<Clock, "monotonic">;
  record(span: Span): void;
}

/** Who a span is, and when it began. */
export interface SpanStart {
  /** Its own. */
  readonly traceparent: string;
  readonly tracestate: string;
  /** The span id of its parent; empty for the first of a trace. */
  readonly parentId: string;
  readonly name: string;
  readonly kind: SpanKind;
  /** Milliseconds since 1970, with a fraction. */
  readonly startMs: number;
}

/** One step of a sampled trace. Made for sampled traces of apps that export, and for no others. */
export class Span {
  readonly traceparent: string;
  readonly tracestate: string;
  readonly parentId: string;
  readonly kind: SpanKind;
  readonly startMs: number;
  /** True for a part of another span of this process, which ends later. */
  readonly isChild: boolean;
  name: string;
  /** Set by `end`. */
  endMs = 0;
  /** Why the step failed; `undefined` when it did not. */
  error: string | undefined;
  /** Names and values in turn; of a name that is there twice the last counts. */
  readonly attributes: string[] = [];
  readonly #recorder: SpanRecorder;
  readonly #began: number;

  constructor(start: SpanStart, recorder: SpanRecorder, isChild: boolean = false) {
    this.traceparent = start.traceparent;
    this.tracestate = start.tracestate;
    this.parentId = start.parentId;
    this.kind = start.kind;
    this.startMs = start.startMs;
    this.name = start.name;
    this.isChild = isChild;
    this.#recorder = recorder;
    this.#began = recorder.clock.monotonic();
  }
  get traceId(): string {
    return this.traceparent.slice(3, 35);
  }
  get spanId(): string {
    return this.traceparent.slice(36, 52);
  }
  /** Empty values say nothing, and are left out. */
  set(name: string, value: string | undefined): void {
    if (value !== undefined && value !== "") this.attributes.push(name, value);
  }
  /** A part of this one. */
  child(traceparent: string, name: string, kind: SpanKind): Span {
    const { tracestate, spanId: parentId } = this;
    const start = { traceparent, tracestate, parentId, name, kind, startMs: this.#now() };
    return new Span(start, this.#recorder, true);
  }
  /** Hands the span over for export. Only the first call counts. */
  end(error?: string): void {
    if (this.endMs !== 0) return;
    this.error = error;
    this.endMs = this.#now();
    this.#recorder.record(this);
  }
  /** The wall clock as it was at the start, so that no correction of it turns a span around. */
  #now(): number {
    return this.startMs + (this.#recorder.clock.monotonic() - this.#began);
  }
}
