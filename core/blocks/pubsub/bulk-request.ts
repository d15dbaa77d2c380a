import { messageOf } from "#core/errors/component-error.ts";
import type { HttpInput } from "#core/wire/http/input.ts";
import type { Data, Metadata } from "#core/ports/component.ts";
import { isRecord, jsonErrorText, jsonTypeOf, parseJson } from "#core/util/json.ts";
import { fromBase64 } from "#core/util/base64.ts";
import type { BulkEntry, BulkPublish } from "./bulk.ts";
import { isCloudEvent, isJson, isOctets, isText } from "#core/util/content-types.ts";
import { pubsubError } from "./errors.ts";
import { field } from "#core/blocks/_shared/fields.ts";
import { findPubsub } from "./find-pubsub.ts";
import { wantsRaw } from "./publish.ts";

/** `[{entryId, event, contentType, metadata}]`, each event as its content type says. */
export async function readBulkPublish(input: HttpInput): Promise<BulkPublish> {
  const pubsub = input.param("pubsub");
  const topic = input.param("topic");
  const { metadata } = input;
  findPubsub(input.app, pubsub, topic, metadata);
  wantsRaw(pubsub, metadata);
  const appID = input.app.appId;
  const about = `topic ${topic} pubsub ${pubsub}`;
  let items: readonly Item[];
  try {
    items = itemsOf(await input.text());
  } catch (reason) {
    const message = `error when unmarshaling the request for ${about}: ${messageOf(reason)}`;
    throw pubsubError("UNMARSHAL_EVENTS", pubsub, message, { appID }, reason);
  }
  const seen = new Set<string>();
  const entries = items.map((item): BulkEntry => {
    let data: Data;
    try {
      data = eventData(item);
    } catch (reason) {
      const error = messageOf(reason);
      const message = `error when marshalling cloud event envelope for ${about}: ${error}`;
      throw pubsubError("MARSHAL_ENVELOPE", pubsub, message, { appID, error }, reason);
    }
    const { entryId, contentType } = item;
    if (entryId === "" || seen.has(entryId)) {
      const error = "entryId is duplicated or not present for entry";
      const message = `error marshaling events to bytes for ${about}. error: ${error}`;
      throw pubsubError("MARSHAL_EVENTS", pubsub, message, { appID, error });
    }
    seen.add(entryId);
    const entry = { entryId, contentType, data };
    return item.metadata ? { ...entry, metadata: { ...metadata, ...item.metadata } } : entry;
  });
  return { pubsub, topic, entries, metadata };
}

interface Item {
  readonly entryId: string;
  readonly event: unknown;
  readonly contentType: string;
  readonly metadata: Metadata | undefined;
}

function itemsOf(text: string): readonly Item[] {
  let body: unknown;
  try {
    body = parseJson(text);
  } catch {
    throw new SyntaxError(jsonErrorText(text));
  }
  if (body === null) return [];
  if (!Array.isArray(body)) throw mismatch(body, "Go value of type []http.bulkPublishMessageEntry");
  return body.map((item): Item => {
    if (item !== null && jsonTypeOf(item) !== "object")
      throw mismatch(item, "Go value of type http.bulkPublishMessageEntry");
    const record = isRecord(item) ? item : {};
    return {
      entryId: textField(record, "entryId"),
      event: field(record, "event") ?? null,
      contentType: textField(record, "contentType"),
      metadata: metadataOf(field(record, "metadata") ?? null),
    };
  });
}

function textField(record: Record<string, unknown>, name: string): string {
  const value = field(record, name) ?? "";
  if (typeof value === "string") return value;
  throw mismatch(value, `Go struct field bulkPublishMessageEntry.${name} of type string`);
}
function metadataOf(value: unknown): Metadata | undefined {
  if (value === null) return undefined;
  const where = "Go struct field bulkPublishMessageEntry.metadata of type";
  if (!isRecord(value) || jsonTypeOf(value) !== "object")
    throw mismatch(value, `${where} map[string]string`);
  for (const name of Object.keys(value))
    if (typeof value[name] !== "string") throw mismatch(value[name], `${where} string`);
  return value as Metadata;
}
function mismatch(value: unknown, into: string): SyntaxError {
  return new SyntaxError(`json: cannot unmarshal ${jsonTypeOf(value)} into ${into}`);
}

function eventData({ event, contentType }: Item): Data {
  if (isOctets(contentType)) {
    if (typeof event !== "string") throw wrongType();
    try {
      return fromBase64(event);
    } catch (reason) {
      throw new SyntaxError(
        `error: unable to decode base64 application/octect-stream data: ${messageOf(reason)}`,
      );
    }
  }
  if (isText(contentType)) {
    if (typeof event !== "string") throw wrongType();
    return event;
  }
  if (isJson(contentType) || isCloudEvent(contentType)) return JSON.stringify(event);
  throw wrongType();
}
function wrongType(): TypeError {
  return new TypeError("error: mismatch between contentType and event");
}
