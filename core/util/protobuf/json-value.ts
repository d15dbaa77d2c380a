import {
  bytesField,
  doubleField,
  joined,
  readFields,
  varintField,
  type WireField,
} from "./wire.ts";

/**
 * JSON as google.protobuf.Value, Struct and ListValue encode it. Written out here because blocks need it without the gRPC
 * surface, whose library would treble a Worker.
 */

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const none = new Uint8Array(0);

/** A JSON value as an encoded google.protobuf.Value. Numbers are 64-bit floats there. */
export function encodeValue(value: unknown): Uint8Array {
  if (value === null) return varintField(1, 0);
  if (Array.isArray(value))
    return bytesField(6, joined(value.map((each) => bytesField(1, encodeValue(each)))));
  switch (typeof value) {
    case "number":
      return doubleField(2, value);
    case "string":
      return bytesField(3, encoder.encode(value));
    case "boolean":
      return varintField(4, value ? 1 : 0);
    default:
      return bytesField(5, encodeStruct(value as object));
  }
}
function encodeStruct(value: object): Uint8Array {
  const entries = Object.entries(value).map(([name, each]) =>
    bytesField(1, joined([bytesField(1, encoder.encode(name)), bytesField(2, encodeValue(each))])),
  );
  return joined(entries);
}

/** The JSON value of an encoded google.protobuf.Value. Throws for what is not one, and for a number that JSON lacks. */
export function decodeValue(bytes: Uint8Array): unknown {
  const field = readFields(bytes).findLast(({ number }) => number >= 1 && number <= 6);
  switch (field?.number) {
    case 1:
      return null;
    case 2:
      return finite(doubleOf(field));
    case 3:
      return textOf(field);
    case 4:
      return field.value !== 0n;
    case 5:
      return decodeStruct(bytesOf(field));
    case 6:
      return decodeList(bytesOf(field));
    default:
      throw new TypeError("none of the oneof fields is set");
  }
}
export function decodeStruct(bytes: Uint8Array): Record<string, unknown> {
  const entries = readFields(bytes)
    .filter(({ number }) => number === 1)
    .map((entry): [string, unknown] => {
      const fields = readFields(bytesOf(entry));
      const name = fields.findLast(({ number }) => number === 1);
      const value = fields.findLast(({ number }) => number === 2);
      return [name ? textOf(name) : "", decodeValue(value ? bytesOf(value) : none)];
    });
  // Not by assignment: a member may be called `__proto__`.
  return Object.fromEntries(entries);
}
export function decodeList(bytes: Uint8Array): unknown[] {
  return readFields(bytes)
    .filter(({ number }) => number === 1)
    .map((each) => decodeValue(bytesOf(each)));
}

export function bytesOf({ value }: WireField): Uint8Array {
  if (typeof value === "bigint") throw new TypeError("a field is a number, not bytes");
  return value;
}
export function textOf(field: WireField): string {
  return decoder.decode(bytesOf(field));
}
export function doubleOf({ value, type }: WireField): number {
  if (typeof value !== "bigint" || type !== 1) throw new TypeError("a field is not a double");
  const view = new DataView(new ArrayBuffer(8));
  view.setBigUint64(0, value);
  return view.getFloat64(0);
}
function finite(value: number): number {
  if (!Number.isFinite(value)) throw new TypeError(`google.protobuf.Value cannot have ${value}`);
  return value;
}
