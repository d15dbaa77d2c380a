import type { App } from "#core/kernel/app.ts";
import { pushAppToken, pushMetadata } from "#core/wire/http/metadata-headers.ts";
import { headerValue } from "#core/util/header-value.ts";
import type { Metadata } from "#core/ports/component.ts";
import { type TraceContext, traceFrom } from "#core/tracing/trace-context.ts";
import { startTrace } from "#core/tracing/start-trace.ts";

/** The event's part of the trace that its metadata names, or of a new one. */
export function eventTrace(
  app: App,
  binding: string,
  metadata: Metadata,
): TraceContext | undefined {
  const { traceparent, tracestate } = metadata;
  const trace = startTrace(app.policies, traceparent, tracestate, `bindings/${binding}`, "client");
  if (trace?.span) {
    trace.span.set("db.name", binding);
    trace.span.set("rpc.service", "Dapr");
    trace.span.set("db.system", "bindings");
    trace.span.set("db.connection_string", `POST /${binding}`);
  }
  return trace;
}

/** Headers of a probe or of an update, which nobody looks at as a step of its own. */
export function eventHeaders(app: App, metadata: Metadata): string[] {
  const { traceparent, tracestate } = metadata;
  const { samplingRate } = app.policies;
  return tracedHeaders(
    app,
    metadata,
    samplingRate === 0 ? undefined : traceFrom(traceparent, tracestate, samplingRate),
  );
}

/** Headers of an event: Dapr says JSON whatever the data is. */
export function tracedHeaders(
  app: App,
  metadata: Metadata,
  trace: TraceContext | undefined,
): string[] {
  const headers = ["content-type", "application/json"];
  pushMetadata(headers, metadata);
  if (trace) {
    headers.push("traceparent", trace.traceparent);
    if (trace.tracestate !== "") headers.push("tracestate", headerValue(trace.tracestate));
  }
  pushAppToken(headers, app);
  return headers;
}
