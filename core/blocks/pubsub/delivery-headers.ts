import type { App } from "#core/kernel/app.ts";
import { pushAppToken, pushMetadata } from "#core/wire/http/metadata-headers.ts";
import { headerValue } from "#core/util/header-value.ts";
import type { Metadata } from "#core/ports/component.ts";
import type { TraceContext } from "#core/tracing/trace-context.ts";
import { startTrace } from "#core/tracing/start-trace.ts";

/** The delivery's part of the trace that an event belongs to; none for an event without any. Dapr: the event's tracestate stays in the event. */
export function deliveryTrace(
  app: App,
  topic: string,
  traceparent: string | undefined,
): TraceContext | undefined {
  if (traceparent === undefined) return undefined;
  const trace = startTrace(app.policies, traceparent, "", `pubsub/${topic}`, "client");
  if (trace?.span) {
    trace.span.set("messaging.system", "pubsub");
    trace.span.set("messaging.destination.name", topic);
  }
  return trace;
}

/** Headers of a delivery. */
export function deliveryHeaders(
  app: App,
  pubsub: string,
  contentType: string,
  metadata: Metadata,
  trace: TraceContext | undefined,
): string[] {
  const headers = ["content-type", contentType, "pubsubName", headerValue(pubsub)];
  pushMetadata(headers, metadata);
  if (trace) headers.push("traceparent", trace.traceparent);
  pushAppToken(headers, app);
  return headers;
}
