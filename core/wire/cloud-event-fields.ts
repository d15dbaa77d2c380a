import type { TopicEvent } from "#core/ports/app-callback.ts";
import { fromBase64 } from "#core/util/base64.ts";
import { isJson } from "#core/util/content-types.ts";
import { bytesOf, textOf } from "#core/util/bytes.ts";
import { isRecord, parseJson } from "#core/util/json.ts";

/** What the messages `TopicEventRequest` and `TopicEventCERequest` of Dapr's gRPC API have in common. */
export interface EventFields {
  readonly id: string;
  readonly source: string;
  readonly type: string;
  readonly specVersion: string;
  readonly dataContentType: string;
  readonly data: Uint8Array<ArrayBuffer>;
  readonly extensions: JsonFields;
}
type JsonFields = { [name: string]: JsonField };
type JsonField = string | number | boolean | null | JsonFields | JsonField[];

const own: ReadonlySet<string> = new Set([
  "id",
  "source",
  "type",
  "specversion",
  "datacontenttype",
  "data",
  "data_base64",
  "topic",
  "pubsubname",
]);

/** A CloudEvent, field by field; what has no field of its own is an extension. */
export function eventFields({ fields, body, isJson: whole }: TopicEvent): EventFields {
  // Read again where it is JSON, so that large numbers in `data` keep their digits.
  const parsed = whole ? parseJson(textOf(body)) : fields;
  const event = isRecord(parsed) ? parsed : fields;
  const text = (name: string): string => {
    const value = event[name];
    return typeof value === "string" ? value : "";
  };
  const extensions: Record<string, unknown> = {};
  for (const name of Object.keys(event)) if (!own.has(name)) extensions[name] = event[name];
  const dataContentType = text("datacontenttype");
  return {
    id: text("id"),
    source: text("source"),
    type: text("type"),
    specVersion: text("specversion"),
    dataContentType,
    data: whole ? dataOf(event, dataContentType) : bytesOf(body),
    // Numbers of the lossless parser are objects of its own; a Struct has doubles.
    extensions: JSON.parse(JSON.stringify(extensions)) as JsonFields,
  };
}

/** Dapr: JSON as JSON, text as text, and bytes where the event has them in base64. */
function dataOf(
  event: Readonly<Record<string, unknown>>,
  contentType: string,
): Uint8Array<ArrayBuffer> {
  const base64 = event["data_base64"];
  if (typeof base64 === "string") return bytesOf(fromBase64(base64));
  const data = event["data"];
  if (data === undefined || data === null) return new Uint8Array(0);
  return bytesOf(typeof data === "string" && !isJson(contentType) ? data : JSON.stringify(data));
}
