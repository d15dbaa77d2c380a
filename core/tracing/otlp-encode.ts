import { JsonTraceSerializer, ProtobufTraceSerializer } from "@opentelemetry/otlp-transformer";
import type { ResourceAttributes } from "./settings.ts";
import type { Span, SpanKind } from "./span.ts";

/** The only file that knows OpenTelemetry's library; loaded with the first export. */

type ReadableSpan = Parameters<typeof ProtobufTraceSerializer.serializeRequest>[0][number];

/** Dapr's. */
const scope = { name: "dapr-diagnostics" };
/** `SpanKind` of OpenTelemetry's API. */
const kinds: Readonly<Record<SpanKind, number>> = { server: 1, client: 2, producer: 3 };
const ok = { code: 0 };

/** An ExportTraceServiceRequest. */
export function encodeSpans(
  spans: readonly Span[],
  attributes: ResourceAttributes,
  as: "json" | "protobuf",
): Uint8Array {
  const resource = { attributes };
  const readable = spans.map((span) => readableSpan(span, resource) as unknown as ReadableSpan);
  const serializer = as === "json" ? JsonTraceSerializer : ProtobufTraceSerializer;
  return serializer.serializeRequest(readable) ?? new Uint8Array(0);
}

/** What a receiver refused of a request that it has taken; `undefined` when that is nothing. */
export function refusedSpans(response: Uint8Array, as: "json" | "protobuf"): string | undefined {
  if (response.byteLength === 0) return undefined;
  const serializer = as === "json" ? JsonTraceSerializer : ProtobufTraceSerializer;
  const { partialSuccess } = serializer.deserializeResponse(response);
  const count = Number(partialSuccess?.rejectedSpans ?? 0);
  return count > 0 ? `${count} refused: ${partialSuccess?.errorMessage ?? ""}` : undefined;
}

/** As the serialisers read one: only what they look at. */
function readableSpan(span: Span, resource: object): object {
  const { traceId, tracestate, parentId, error } = span;
  const traceState = tracestate === "" ? undefined : { serialize: () => tracestate };
  const own = { traceId, spanId: span.spanId, traceFlags: 1, traceState };
  return {
    name: span.name,
    kind: kinds[span.kind],
    spanContext: () => own,
    parentSpanContext:
      parentId === ""
        ? undefined
        : { traceId, spanId: parentId, traceFlags: 1, isRemote: !span.isChild },
    startTime: timeOf(span.startMs),
    endTime: timeOf(span.endMs),
    status: error === undefined ? ok : { code: 2, message: error },
    attributes: attributesOf(span),
    links: [],
    events: [],
    resource,
    instrumentationScope: scope,
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  };
}

/** By name, the last of repeated ones. Names are ours, or begin with `dapr-`. */
function attributesOf({ attributes }: Span): Readonly<Record<string, string>> {
  const out: Record<string, string> = {};
  for (let i = 0; i < attributes.length; i += 2)
    out[attributes[i] as string] = attributes[i + 1] as string;
  return out;
}

/** Seconds and nanoseconds. */
function timeOf(ms: number): readonly [number, number] {
  const seconds = Math.floor(ms / 1000);
  const nanos = Math.round((ms - seconds * 1000) * 1e6);
  return nanos === 1e9 ? [seconds + 1, 0] : [seconds, nanos];
}
