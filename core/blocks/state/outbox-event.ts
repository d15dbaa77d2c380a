import type { Metadata } from "#core/ports/component.ts";
import type { StatePut } from "#core/ports/state-store.ts";
import { dataMember, membersText, sentType } from "#core/blocks/pubsub/envelope.ts";
import { rfc3339 } from "#core/blocks/pubsub/ttl.ts";
import { eventTraceparent, type TraceContext } from "#core/tracing/trace-context.ts";
import { plainText } from "./plain-text.ts";

export interface OutboxEvent {
  /** Key of the marker that the transaction writes. */
  readonly id: string;
  /** Whose value the event carries: the projection, or what is stored. */
  readonly payload: StatePut;
  /** Of the change itself, whatever the payload is. */
  readonly metadata: Metadata;
  readonly appId: string;
  readonly pubsub: string;
  /** When it is sent, in milliseconds since 1970. */
  readonly now: number;
  readonly trace: TraceContext | undefined;
}

const quote = JSON.stringify as (text: string) => string;
const override = "cloudevent.";
/** What callers may not set: the payload, and what finds the marker. */
const fixed: ReadonlySet<string> = new Set(["data", "data_base64", "id"]);

/** The CloudEvent of one change, as JSON with its names in order. Its topic is filled in when it goes out. */
export function outboxEvent(event: OutboxEvent): string {
  const { payload, metadata, trace } = event;
  const contentType = payload.metadata["contentType"] || "text/plain";
  const traceparent = quote(eventTraceparent(trace));
  const members = new Map([
    ["datacontenttype", quote(contentType)],
    ["id", quote(event.id)],
    ["pubsubname", quote(event.pubsub)],
    ["source", quote(event.appId)],
    ["specversion", '"1.0"'],
    ["time", `"${rfc3339(event.now)}"`],
    ["topic", '""'],
    ["traceid", traceparent],
    ["traceparent", traceparent],
    ["tracestate", quote(trace?.tracestate ?? "")],
    ["type", quote(sentType)],
  ]);
  const [name, value] = payloadMember(payload, contentType);
  members.set(name, value);
  // Dapr: takes every name over as it stands, and so has no member that `cloudevent.type` would change, as its
  // documents promise. Here it changes it, too.
  for (const key in metadata) {
    if (!fixed.has(key)) members.set(key, quote(metadata[key] as string));
    const lower = key.toLowerCase();
    const field = lower.startsWith(override) ? lower.slice(override.length) : "";
    if (field !== "" && !fixed.has(field)) members.set(field, quote(metadata[key] as string));
  }
  return membersText(members);
}

/** Bytes count as they are. JSON goes in as JSON only where the caller says so. */
function payloadMember({ value }: StatePut, contentType: string): readonly [string, string] {
  const isText = typeof value === "string";
  const asJson = contentType.toLowerCase() === "application/json";
  return dataMember(isText && !asJson ? plainText(value) : value, contentType);
}
