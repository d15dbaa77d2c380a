import type { Span } from "#core/tracing/span.ts";
import { createTracer, type Tracer } from "#core/tracing/tracer.ts";
import { fakeClock } from "./fake-clock.ts";

/** A span in one look. */
export interface KeptSpan {
  readonly name: string;
  readonly kind: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentId: string;
  readonly error: string | undefined;
  readonly attributes: Readonly<Record<string, string>>;
}
/** A tracer whose spans stay here, in the order in which they ended. */
export interface SpanKeeper {
  readonly tracer: Tracer;
  readonly spans: readonly KeptSpan[];
}

export function spanKeeper(): SpanKeeper {
  const spans: KeptSpan[] = [];
  const keep = (span: Span): void => {
    const { name, kind, traceId, spanId, parentId, error } = span;
    const attributes: Record<string, string> = {};
    for (let i = 0; i < span.attributes.length; i += 2)
      attributes[span.attributes[i] as string] = span.attributes[i + 1] as string;
    spans.push({ name, kind, traceId, spanId, parentId, error, attributes });
  };
  const batcher = { add: keep, flush: async () => {}, close: () => {} };
  return { spans, tracer: createTracer([batcher], fakeClock()) };
}
