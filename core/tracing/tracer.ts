import type { Clock } from "#core/ports/platform.ts";
import type { TraceContext } from "./trace-context.ts";
import type { Batcher } from "./batcher.ts";
import { Span, type SpanKind, type SpanRecorder } from "./span.ts";

/** Makes one app's spans and sends them on. */
export interface Tracer {
  /** `parentId`: empty for the first span of a trace. */
  start(
    trace: Pick<TraceContext, "traceparent" | "tracestate">,
    parentId: string,
    name: string,
    kind: SpanKind,
  ): Span;
  /** Sends what has ended; resolves when it is sent or lost. Never rejects. */
  flush(): Promise<void>;
  /** Sends nothing more; what is left is lost. */
  close(): void;
}

export function createTracer(batchers: readonly Batcher[], clock: Clock): Tracer {
  const recorder: SpanRecorder = {
    clock,
    record: (span) => {
      for (const batcher of batchers) batcher.add(span);
    },
  };
  return {
    start: ({ traceparent, tracestate }, parentId, name, kind) =>
      new Span({ traceparent, tracestate, parentId, name, kind, startMs: clock.now() }, recorder),
    flush: async () => {
      await Promise.all(batchers.map((batcher) => batcher.flush()));
    },
    close: () => {
      for (const batcher of batchers) batcher.close();
    },
  };
}
