import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";

/** A span as a receiver of OTLP reads it, from either encoding. */
export interface ReceivedSpan {
  readonly resource: Readonly<Record<string, string>>;
  readonly scope: string;
  readonly traceId: string;
  readonly spanId: string;
  /** Empty for the first of a trace. */
  readonly parentId: string;
  readonly tracestate: string;
  readonly name: string;
  /** As the protocol numbers them. */
  readonly kind: "internal" | "server" | "client" | "producer" | "consumer" | "unspecified";
  readonly startNs: bigint;
  readonly endNs: bigint;
  readonly attributes: Readonly<Record<string, string>>;
  readonly failed: boolean;
  readonly message: string;
}

const kinds = ["unspecified", "internal", "server", "client", "producer", "consumer"] as const;
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString("utf8");

type Field = number | bigint | Uint8Array;
/** A message as its fields, by number; written from opentelemetry-proto's trace.proto, apart from any library of theirs. */
function fieldsOf(bytes: Uint8Array): Map<number, Field[]> {
  const reader = new BinaryReader(bytes);
  const fields = new Map<number, Field[]>();
  while (reader.pos < reader.len) {
    const [number, type] = reader.tag();
    const value =
      type === WireType.LengthDelimited
        ? reader.bytes()
        : type === WireType.Bit64
          ? BigInt(reader.fixed64())
          : type === WireType.Bit32
            ? reader.fixed32()
            : Number(reader.uint64());
    fields.set(number, [...(fields.get(number) ?? []), value]);
  }
  return fields;
}
const all = (fields: Map<number, Field[]>, number: number): Uint8Array[] =>
  (fields.get(number) ?? []) as Uint8Array[];
const bytesAt = (fields: Map<number, Field[]>, number: number): Uint8Array =>
  all(fields, number)[0] ?? new Uint8Array(0);

function attributes(pairs: readonly Uint8Array[]): Record<string, string> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const fields = fieldsOf(pair);
      return [text(bytesAt(fields, 1)), text(bytesAt(fieldsOf(bytesAt(fields, 2)), 1))];
    }),
  );
}

export function readProtobuf(bytes: Uint8Array): ReceivedSpan[] {
  return all(fieldsOf(bytes), 1).flatMap((resourceSpans) => {
    const fields = fieldsOf(resourceSpans);
    const resource = attributes(all(fieldsOf(bytesAt(fields, 1)), 1));
    return all(fields, 2).flatMap((scopeSpans) => {
      const scoped = fieldsOf(scopeSpans);
      const scope = text(bytesAt(fieldsOf(bytesAt(scoped, 1)), 1));
      return all(scoped, 2).map((span): ReceivedSpan => {
        const of = fieldsOf(span);
        const status = fieldsOf(bytesAt(of, 15));
        return {
          resource,
          scope,
          traceId: hex(bytesAt(of, 1)),
          spanId: hex(bytesAt(of, 2)),
          tracestate: text(bytesAt(of, 3)),
          parentId: hex(bytesAt(of, 4)),
          name: text(bytesAt(of, 5)),
          kind: kinds[Number(of.get(6)?.[0] ?? 0)] ?? "unspecified",
          startNs: (of.get(7)?.[0] ?? 0n) as bigint,
          endNs: (of.get(8)?.[0] ?? 0n) as bigint,
          attributes: attributes(all(of, 9)),
          failed: Number(status.get(3)?.[0] ?? 0) === 2,
          message: text(bytesAt(status, 2)),
        };
      });
    });
  });
}

interface JsonPair {
  readonly key: string;
  readonly value: { readonly stringValue?: string };
}
interface JsonRequest {
  readonly resourceSpans: ReadonlyArray<{
    readonly resource: { readonly attributes: readonly JsonPair[] };
    readonly scopeSpans: ReadonlyArray<{
      readonly scope: { readonly name: string };
      readonly spans: ReadonlyArray<{
        readonly traceId: string;
        readonly spanId: string;
        readonly parentSpanId?: string;
        readonly traceState?: string;
        readonly name: string;
        readonly kind: number;
        readonly startTimeUnixNano: string;
        readonly endTimeUnixNano: string;
        readonly attributes: readonly JsonPair[];
        readonly status?: { readonly code?: number; readonly message?: string };
      }>;
    }>;
  }>;
}

export function readJson(body: string): ReceivedSpan[] {
  const record = (pairs: readonly JsonPair[]): Record<string, string> =>
    Object.fromEntries(pairs.map(({ key, value }) => [key, value.stringValue ?? ""]));
  const { resourceSpans } = JSON.parse(body) as JsonRequest;
  return resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap(({ scope, spans }) =>
      spans.map((span): ReceivedSpan => ({
        resource: record(resource.attributes),
        scope: scope.name,
        traceId: span.traceId,
        spanId: span.spanId,
        parentId: span.parentSpanId ?? "",
        tracestate: span.traceState ?? "",
        name: span.name,
        kind: kinds[span.kind] ?? "unspecified",
        startNs: BigInt(span.startTimeUnixNano),
        endNs: BigInt(span.endTimeUnixNano),
        attributes: record(span.attributes),
        failed: span.status?.code === 2,
        message: span.status?.message ?? "",
      })),
    ),
  );
}
