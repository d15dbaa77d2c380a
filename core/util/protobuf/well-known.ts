import { toBase64 } from "#core/util/base64.ts";
import { formatProtoDuration, protoFraction } from "./duration.ts";
import { bytesOf, decodeList, decodeStruct, decodeValue, doubleOf, textOf } from "./json-value.ts";
import { readFields, type WireField } from "./wire.ts";

/** The name of the type that the URL of an Any ends in; `undefined` for one of nobody's types. */
export function typeNameOf(typeUrl: string): string | undefined {
  return /\/([A-Za-z_][\w.]*)$/.exec(typeUrl)?.[1];
}

/**
 * What stands beside `@type` in the JSON form of an Any: for the well-known types under `value`. `undefined` where the
 * type is not one of them. Throws for bytes that are not such a message.
 */
export function anyMembers(typeUrl: string, bytes: Uint8Array): object | undefined {
  const name = typeNameOf(typeUrl) ?? "";
  if (name === "google.protobuf.Empty") return { value: {} };
  const json = jsonOf.get(name);
  return json && { value: json(bytes) };
}

/** The JSON form of each type. */
const jsonOf: ReadonlyMap<string, (bytes: Uint8Array) => unknown> = new Map(
  [
    ["Value", decodeValue],
    ["Struct", decodeStruct],
    ["ListValue", decodeList],
    ["StringValue", unwrapped(textOf, "")],
    ["BytesValue", unwrapped((field) => toBase64(bytesOf(field)), "")],
    ["BoolValue", unwrapped(({ value }) => value !== 0n, false)],
    ["Int32Value", unwrapped((field) => Number(BigInt.asIntN(32, numberOf(field))), 0)],
    ["UInt32Value", unwrapped((field) => Number(BigInt.asUintN(32, numberOf(field))), 0)],
    // 64 bits are text in protobuf's JSON.
    ["Int64Value", unwrapped((field) => String(BigInt.asIntN(64, numberOf(field))), "0")],
    ["UInt64Value", unwrapped((field) => String(numberOf(field)), "0")],
    ["DoubleValue", unwrapped((field) => floatJson(doubleOf(field)), 0)],
    ["FloatValue", unwrapped((field) => floatJson(floatOf(field)), 0)],
    ["Duration", (bytes: Uint8Array) => formatProtoDuration(secondsOf(bytes))],
    ["Timestamp", (bytes: Uint8Array) => timestampText(secondsOf(bytes))],
  ].map(([name, json]) => [
    `google.protobuf.${String(name)}`,
    json as (bytes: Uint8Array) => unknown,
  ]),
);

/** What a wrapper holds, as bytes or text of it; `undefined` for a type that wraps neither. */
export function unwrap(typeUrl: string, bytes: Uint8Array): Uint8Array | undefined {
  switch (typeNameOf(typeUrl)) {
    case "google.protobuf.StringValue":
    case "google.protobuf.BytesValue":
      return unwrapped(bytesOf, new Uint8Array(0))(bytes);
    default:
      return undefined;
  }
}

function unwrapped<T>(read: (field: WireField) => T, empty: T): (bytes: Uint8Array) => T {
  return (bytes) => {
    const field = readFields(bytes).findLast(({ number }) => number === 1);
    return field ? read(field) : empty;
  };
}
function numberOf({ value }: WireField): bigint {
  if (typeof value !== "bigint") throw new TypeError("a field is not a number");
  return value;
}
function floatOf(field: WireField): number {
  const view = new DataView(new ArrayBuffer(4));
  view.setUint32(0, Number(numberOf(field)));
  return view.getFloat32(0);
}
function floatJson(value: number): number | string {
  return Number.isFinite(value) ? value : String(value);
}

/** Of a Duration or a Timestamp. */
function secondsOf(bytes: Uint8Array): { readonly seconds: number; readonly nanos: number } {
  const fields = readFields(bytes);
  const read = (wanted: number): bigint => {
    const field = fields.findLast(({ number }) => number === wanted);
    return field ? numberOf(field) : 0n;
  };
  return {
    seconds: Number(BigInt.asIntN(64, read(1))),
    nanos: Number(BigInt.asIntN(32, read(2))),
  };
}
function timestampText({ seconds, nanos }: { seconds: number; nanos: number }): string {
  return new Date(seconds * 1000).toISOString().replace(".000Z", `${protoFraction(nanos)}Z`);
}
