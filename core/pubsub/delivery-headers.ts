import type { App } from "#core/app.ts";
import { headerValue, pushAppToken, pushMetadata } from "#core/http/metadata-headers.ts";
import type { Metadata } from "#core/ports/component.ts";
import { traceFrom } from "#core/trace-context.ts";

/** Headers of a delivery; `trace` is the `traceparent` that the event came with, if any. */
export function deliveryHeaders(
  app: App,
  pubsub: string,
  contentType: string,
  metadata: Metadata,
  trace: string | undefined,
): string[] {
  const headers = ["content-type", contentType, "pubsubName", headerValue(pubsub)];
  pushMetadata(headers, metadata);
  // Dapr: the event's tracestate stays in the event.
  if (trace !== undefined && app.samplingRate > 0)
    headers.push(
      "traceparent",
      traceFrom(trace, "", () => Math.random() < app.samplingRate).traceparent,
    );
  pushAppToken(headers, app);
  return headers;
}
