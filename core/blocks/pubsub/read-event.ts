import type { Data, Metadata } from "#core/ports/component.ts";
import type { TopicEvent } from "#core/ports/app-callback.ts";
import type { Message } from "#core/ports/pub-sub.ts";
import { isRecord } from "#core/util/json.ts";
import { isOctets, jsonType } from "#core/util/content-types.ts";
import { textOf } from "#core/util/bytes.ts";
import { wrapRaw } from "./envelope.ts";
import type { Delivery } from "./delivery.ts";

/** A message, understood. */
export interface ReadEvent {
  /** What expiry and tracing look at. */
  readonly event: Readonly<Record<string, unknown>>;
  /** What rules see as `event`. */
  readonly matched: unknown;
  /** What the app gets. */
  readonly body: Data;
  /** True when the body is the event as JSON. */
  readonly isJson: boolean;
}

/** As the app's channel is told of it. */
export function eventOf({ event, body, isJson }: ReadEvent): TopicEvent {
  return { fields: event, body, isJson };
}

/** For a delivery of its own: raw payloads are wrapped. Throws for a payload that is not a JSON object where one is needed. */
export function readEvent(delivery: Delivery, message: Message): ReadEvent {
  if (!delivery.raw) return readCloudEvent(message);
  const body = wrapRaw(message.data, delivery.component.name, delivery.topic, message.metadata);
  const event = JSON.parse(body) as Record<string, unknown>;
  return { event, matched: event, body, isJson: true };
}

/** For an entry of a batch: raw payloads stay as they are, and rules see their text. */
export function readEntry({ raw }: Delivery, message: Message): ReadEvent {
  if (!raw) return readCloudEvent(message);
  return { event: {}, matched: textOf(message.data), body: message.data, isJson: false };
}

function readCloudEvent(message: Message): ReadEvent {
  const { data, metadata } = message;
  const contentType = message.contentType ?? metadata["content-type"] ?? jsonType;
  if (isOctets(contentType)) {
    const event = binaryMode(data, contentType, metadata);
    return { event, matched: event, body: data, isJson: false };
  }
  const event: unknown = JSON.parse(textOf(data));
  if (!isRecord(event))
    throw new SyntaxError("The payload is not a JSON object; use rawPayload for other data");
  return { event, matched: event, body: data, isJson: true };
}

/** Dapr: a binary-mode CloudEvent (`ce_*` in the metadata) is put together for the rules only; the app gets the bytes. */
function binaryMode(data: Data, contentType: string, metadata: Metadata): Record<string, unknown> {
  const event: Record<string, unknown> = {};
  for (const name of Object.keys(metadata)) {
    const lower = name.toLowerCase();
    if (lower.startsWith("ce_")) event[lower.slice(3)] = metadata[name];
  }
  event["data"] = data;
  event["datacontenttype"] = contentType;
  return event;
}

/** For the log: an id is whatever a publisher wrote. */
export function idOf({ event }: ReadEvent): string {
  const id = event["id"];
  return typeof id === "string" ? id.slice(0, 100) : "(no id)";
}

const timestamp = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[-+]\d\d:\d\d)$/;
/** True once the event's `expiration` has passed; one that is not a time never does. */
export function hasExpired({ event }: ReadEvent, now: number): boolean {
  const expiration = event["expiration"];
  return (
    typeof expiration === "string" && timestamp.test(expiration) && Date.parse(expiration) < now
  );
}

/** The trace that the event belongs to: its own field, else what the broker carried. `undefined`: none at all. */
export function traceOf({ event }: ReadEvent, metadata: Metadata): string | undefined {
  for (const name of ["traceparent", "traceid"]) {
    const value = event[name] ?? metadata[name];
    if (value !== undefined) return typeof value === "string" ? value : undefined;
  }
  return undefined;
}
