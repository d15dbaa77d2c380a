import type { Platform } from "#core/ports/platform.ts";
import type { SpanSink } from "./span-sink.ts";
import { postSpans, shownUrl } from "./post-spans.ts";
import type { ResourceAttributes } from "./settings.ts";
import type { Span } from "./span.ts";

const timeoutMs = 10_000;

/** Zipkin's JSON, version 2. https://zipkin.io/zipkin-api/ */
export function zipkinSink(
  url: string,
  resource: ResourceAttributes,
  fetch: Platform["fetch"],
): SpanSink {
  const localEndpoint = { serviceName: resource["service.name"] ?? "" };
  return {
    where: shownUrl(url),
    timeoutMs,
    send: async (spans, options) => {
      const body = JSON.stringify(spans.map((span) => zipkinSpan(span, localEndpoint)));
      await postSpans(
        fetch,
        { url, headers: { "content-type": "application/json" }, body },
        options,
      );
    },
  };
}

/** As OpenTelemetry maps its spans: https://opentelemetry.io/docs/specs/otel/trace/sdk_exporters/zipkin/ */
function zipkinSpan(span: Span, localEndpoint: object): object {
  const { attributes, startMs, endMs, parentId, error } = span;
  const tags: Record<string, string> = { "otel.scope.name": "dapr-diagnostics" };
  let peer: string | undefined;
  for (let i = 0; i < attributes.length; i += 2) {
    const name = attributes[i] as string;
    const value = attributes[i + 1] as string;
    if (name === "net.peer.name") peer = value;
    // JSON has one member that is not one.
    if (name !== "__proto__") tags[name] = value;
  }
  if (error !== undefined) {
    tags["otel.status_code"] = "ERROR";
    tags["error"] = error;
  }
  return {
    traceId: span.traceId,
    id: span.spanId,
    ...(parentId === "" ? {} : { parentId }),
    name: span.name,
    kind: span.kind.toUpperCase(),
    timestamp: Math.round(startMs * 1000),
    // Zipkin takes 0 for "unknown".
    duration: Math.max(1, Math.round((endMs - startMs) * 1000)),
    localEndpoint,
    ...(peer !== undefined && span.kind !== "server"
      ? { remoteEndpoint: { serviceName: peer } }
      : {}),
    tags,
  };
}
