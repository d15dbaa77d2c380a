import { textOf } from "#core/util/bytes.ts";
import type { Data, Metadata } from "#core/ports/component.ts";
import { noMetadata } from "#core/ports/component.ts";
import type { PubSubFeature } from "#core/ports/pub-sub.ts";
import { eventTraceparent, type TraceContext } from "#core/tracing/trace-context.ts";
import { isRecord, jsonErrorText, jsonTypeOf, parseJson } from "#core/util/json.ts";
import { toBase64 } from "#core/util/base64.ts";
import { isBinary, isCloudEvent, isJson, octetType } from "#core/util/content-types.ts";
import { expirationOf, rfc3339 } from "./ttl.ts";

/** What an event says beside its data. */
export interface EventOrigin {
  readonly appId: string;
  readonly pubsub: string;
  readonly topic: string;
  /** When it is sent, in milliseconds since 1970. */
  readonly now: number;
  readonly trace: TraceContext | undefined;
  readonly metadata: Metadata;
  readonly features: readonly PubSubFeature[];
}
export const sentType = "com.dapr.event.sent";
const defaultSource = "Dapr";

/** The CloudEvent of a publish, as JSON with its names in order. Throws a `SyntaxError` for a ready-made one that is not an event. */
export function toCloudEvent(data: Data, contentType: string, origin: EventOrigin): string {
  return isCloudEvent(contentType)
    ? readyMade(textOf(data), origin)
    : wrapped(data, contentType === "" ? "text/plain" : contentType, origin);
}

function wrapped(data: Data, contentType: string, origin: EventOrigin): string {
  const { metadata, now, trace } = origin;
  let id = "";
  let source = origin.appId;
  let type = "";
  let subject = "";
  let traceparent = eventTraceparent(trace);
  let tracestate = trace?.tracestate ?? "";
  let expiration = "";
  if (metadata !== noMetadata) {
    const override = overridesOf(metadata);
    id = override["id"] ?? id;
    source = override["source"] ?? source;
    type = override["type"] ?? type;
    subject = override["subject"] ?? subject;
    // "traceid" and "traceparent" are one value; the newer name wins.
    traceparent = override["traceparent"] || (override["traceid"] ?? traceparent);
    tracestate = override["tracestate"] ?? tracestate;
    const ends = expirationOf(metadata, origin.features, now);
    if (ends !== undefined) expiration = `,"expiration":"${ends}"`;
  }
  const traced = quote(traceparent);
  return (
    `{${dataText(data, contentType)},"datacontenttype":${quote(contentType)}${expiration}` +
    `,"id":${id === "" ? `"${crypto.randomUUID()}"` : quote(id)}` +
    `,"pubsubname":${quote(origin.pubsub)},"source":${quote(source || defaultSource)},"specversion":"1.0"` +
    (subject === "" ? "" : `,"subject":${quote(subject)}`) +
    `,"time":"${rfc3339(now)}","topic":${quote(origin.topic)},"traceid":${traced},"traceparent":${traced}` +
    `,"tracestate":${tracestate === "" ? '""' : quote(tracestate)},"type":${quote(type || sentType)}}`
  );
}

const quote = JSON.stringify as (text: string) => string;

function dataText(data: Data, contentType: string): string {
  const [name, value] = dataMember(data, contentType);
  return `"${name}":${value}`;
}
/** Name and JSON of an event's payload. JSON goes in as it came, so that large numbers keep their digits; what is not valid JSON goes in as a string. */
export function dataMember(
  data: Data,
  contentType: string,
): readonly [name: "data" | "data_base64", json: string] {
  if (isBinary(contentType)) return ["data_base64", `"${toBase64(data)}"`];
  const text = textOf(data);
  return ["data", isJson(contentType) && parses(text) ? text : quote(text)];
}
function parses(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

const prefix = "cloudevent.";
/** `cloudevent.<field>` in any letter case. */
function overridesOf(metadata: Metadata): Readonly<Record<string, string>> {
  const out: Record<string, string> = Object.create(null);
  for (const name in metadata) {
    const lower = name.toLowerCase();
    if (lower.startsWith(prefix)) out[lower.slice(prefix.length)] = metadata[name] as string;
  }
  return out;
}

/** A CloudEvent from the caller. Dapr: it gets no `id`, its default `source` is not the app's, and overrides do not apply. */
function readyMade(text: string, origin: EventOrigin): string {
  const event = parseEvent(text);
  const { now } = origin;
  const members = new Map<string, string>();
  for (const name of Object.keys(event)) members.set(name, JSON.stringify(event[name]));
  const traceparent = quote(eventTraceparent(origin.trace));
  if (!members.has("time")) members.set("time", `"${rfc3339(now)}"`);
  if (!members.has("traceid")) {
    members.set("traceid", traceparent);
    members.set("traceparent", traceparent);
  }
  if (!members.has("tracestate")) members.set("tracestate", quote(origin.trace?.tracestate ?? ""));
  members.set("topic", quote(origin.topic));
  members.set("pubsubname", quote(origin.pubsub));
  if ((event["source"] ?? null) === null) members.set("source", `"${defaultSource}"`);
  if ((event["type"] ?? null) === null) members.set("type", `"${sentType}"`);
  if ((event["specversion"] ?? null) === null) members.set("specversion", '"1.0"');
  const expiration = expirationOf(origin.metadata, origin.features, now);
  if (expiration !== undefined) members.set("expiration", `"${expiration}"`);
  return membersText(members);
}

function parseEvent(text: string): Record<string, unknown> {
  let event: unknown;
  try {
    event = parseJson(text);
  } catch {
    throw new SyntaxError(jsonErrorText(text));
  }
  if (isRecord(event) && jsonTypeOf(event) === "object") return event;
  throw new SyntaxError(
    `json: cannot unmarshal ${jsonTypeOf(event)} into Go value of type map[string]interface {}`,
  );
}

/** What the app gets of a message that is not an event: its bytes, wrapped. Trace fields are there when the broker carried them. */
export function wrapRaw(data: Data, pubsub: string, topic: string, metadata: Metadata): string {
  const members = new Map([
    ["data_base64", `"${toBase64(data)}"`],
    ["datacontenttype", `"${octetType}"`],
    ["id", `"${crypto.randomUUID()}"`],
    ["pubsubname", quote(pubsub)],
    ["source", `"${defaultSource}"`],
    ["specversion", '"1.0"'],
    ["topic", quote(topic)],
    ["type", `"${sentType}"`],
  ]);
  const { traceid, traceparent, tracestate } = metadata as Record<string, string | undefined>;
  const id = traceparent ?? traceid;
  if (id !== undefined) members.set("traceid", quote(id));
  if (traceparent !== undefined) members.set("traceparent", quote(traceparent));
  if (tracestate !== undefined) members.set("tracestate", quote(tracestate));
  return membersText(members);
}

/** An event from its members' JSON, names in order. */
export function membersText(members: ReadonlyMap<string, string>): string {
  const names = [...members.keys()].sort();
  return `{${names.map((name) => `${quote(name)}:${members.get(name)}`).join(",")}}`;
}
