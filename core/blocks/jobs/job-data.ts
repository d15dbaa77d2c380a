import { fromBase64, toBase64 } from "#core/util/base64.ts";
import { decodeValue, encodeValue } from "#core/util/protobuf/json-value.ts";
import { anyMembers, typeNameOf, unwrap } from "#core/util/protobuf/well-known.ts";

/** What a job carries: JSON that came over HTTP, as text; or an Any that came over gRPC, its bytes in base64. */
export type JobData =
  | { readonly json: string }
  | { readonly typeUrl: string; readonly base64: string };

/** A google.protobuf.Any. */
export interface AnyMessage {
  readonly typeUrl: string;
  readonly value: Uint8Array;
}

const prefix = "type.googleapis.com/";
const valueType = "google.protobuf.Value";

export function dataOfAny({ typeUrl, value }: AnyMessage): JobData {
  return { typeUrl, base64: toBase64(value) };
}

/** As gRPC apps get it, and gRPC callers see it. */
export function anyOf(data: JobData): AnyMessage {
  return "json" in data
    ? { typeUrl: prefix + valueType, value: encodeValue(JSON.parse(data.json)) }
    : { typeUrl: data.typeUrl, value: fromBase64(data.base64) };
}

/**
 * As HTTP apps get it: JSON, text and bytes bare; other messages as they are encoded. Dapr: takes these for text, and
 * cuts off white space at both ends.
 */
export function bodyOf(data: JobData): string | Uint8Array {
  if ("json" in data) return data.json;
  const value = fromBase64(data.base64);
  try {
    if (typeNameOf(data.typeUrl) === valueType) return JSON.stringify(decodeValue(value));
    return unwrap(data.typeUrl, value) ?? trimmed(value);
  } catch {
    // Not such a message, whatever it says.
    return trimmed(value);
  }
}

function trimmed(value: Uint8Array): Uint8Array {
  const isSpace = (byte: number | undefined): boolean =>
    byte === 0x20 || (byte !== undefined && byte >= 0x09 && byte <= 0x0d);
  let [start, end] = [0, value.length];
  while (start < end && isSpace(value[start])) start++;
  while (start < end && isSpace(value[end - 1])) end--;
  return value.subarray(start, end);
}

/** The JSON form of the Any, as HTTP callers see it. Throws where its type is not a known one. */
export function anyJson(data: JobData): string {
  if ("json" in data) return `{"@type":"${prefix}${valueType}","value":${data.json}}`;
  const { typeUrl, base64 } = data;
  const members = anyMembers(typeUrl, fromBase64(base64));
  if (!members)
    throw new Error(
      `google.protobuf.Any: unable to resolve ${JSON.stringify(typeUrl)}: "not found"`,
    );
  return JSON.stringify({ "@type": typeUrl, ...members });
}
