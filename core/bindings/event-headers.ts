import type { App } from "#core/app.ts";
import { headerValue, pushAppToken, pushMetadata } from "#core/http/metadata-headers.ts";
import type { Metadata } from "#core/ports/component.ts";
import { traceFrom } from "#core/trace-context.ts";

/** Headers of a probe or of an event: Dapr says JSON whatever the data is. */
export function eventHeaders(app: App, metadata: Metadata): string[] {
  const headers = ["content-type", "application/json"];
  pushMetadata(headers, metadata);
  if (app.samplingRate > 0) {
    const trace = traceFrom(
      metadata["traceparent"],
      metadata["tracestate"],
      () => Math.random() < app.samplingRate,
    );
    headers.push("traceparent", trace.traceparent);
    if (trace.tracestate !== "") headers.push("tracestate", headerValue(trace.tracestate));
  }
  pushAppToken(headers, app);
  return headers;
}
