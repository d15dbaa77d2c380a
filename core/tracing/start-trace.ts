import { isSampled, isTraceparent, type TraceContext, traceFrom } from "./trace-context.ts";
import type { SpanKind } from "./span.ts";
import type { Tracer } from "./tracer.ts";

/** What of an app decides about its traces. */
export interface TracedApp {
  /**
   * Share of new traces that are sampled, 0 to 1; 0 turns tracing off altogether. `undefined`: nothing is exported and no
   * rate was given, so callers' contexts are passed on as they are.
   */
  readonly samplingRate: number | undefined;
  /** Exports spans of sampled traces; absent means that trace contexts are only passed on. */
  readonly tracer?: Tracer | undefined;
}

/** Continues the trace of a caller or a message, or starts one; `undefined` where tracing is off. */
export function startTrace(
  app: TracedApp,
  traceparent: string | null | undefined,
  tracestate: string | null | undefined,
  name: string,
  kind: SpanKind,
): TraceContext | undefined {
  const { samplingRate, tracer } = app;
  if (samplingRate === 0) return undefined;
  const trace = traceFrom(traceparent, tracestate, samplingRate);
  if (tracer === undefined || !isSampled(trace.traceparent)) return trace;
  const parentId = traceparent && isTraceparent(traceparent) ? traceparent.slice(36, 52) : "";
  return { ...trace, span: tracer.start(trace, parentId, name, kind) };
}

/** A part of a call that others see as a span of its own. */
export function childTrace(trace: TraceContext, name: string, kind: SpanKind): TraceContext {
  if (trace.isRelayed) return trace;
  const child = traceFrom(trace.traceparent, trace.tracestate, 0);
  return trace.span === undefined
    ? child
    : { ...child, span: trace.span.child(child.traceparent, name, kind) };
}
