import type { Log } from "#core/ports/platform.ts";
import type { SpanSink } from "./span-sink.ts";

/** Each span as a line of the log, in Dapr's wording. */
export function stdoutSink(log: Log, appId: string): SpanSink {
  const time = (ms: number): string => new Date(ms).toISOString();
  return {
    where: "the log",
    timeoutMs: 10_000,
    send: async (spans) => {
      for (const span of spans) {
        const parent = span.parentId === "" ? "0000000000000000" : span.parentId;
        log.info(
          `[${span.name}] Trace: ${span.traceId} Span: ${parent}/${span.spanId} Time: [${time(span.startMs)} ->  ${time(span.endMs)}] Annotations: []`,
          { scope: "dapr.runtime.trace", app_id: appId },
        );
      }
    },
  };
}
