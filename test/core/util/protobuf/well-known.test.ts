import { create, type DescMessage, fromJson, toBinary, toJson } from "@bufbuild/protobuf";
import {
  BoolValueSchema,
  BytesValueSchema,
  DoubleValueSchema,
  DurationSchema,
  EmptySchema,
  FloatValueSchema,
  Int32ValueSchema,
  Int64ValueSchema,
  ListValueSchema,
  StringValueSchema,
  StructSchema,
  TimestampSchema,
  UInt32ValueSchema,
  UInt64ValueSchema,
  ValueSchema,
} from "@bufbuild/protobuf/wkt";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatProtoDuration, parseProtoDuration } from "#core/util/protobuf/duration.ts";
import { decodeValue, encodeValue } from "#core/util/protobuf/json-value.ts";
import { anyMembers, unwrap } from "#core/util/protobuf/well-known.ts";
import { readFields } from "#core/util/protobuf/wire.ts";

const url = (name: string): string => `type.googleapis.com/google.protobuf.${name}`;

describe("google.protobuf.Value", () => {
  /** JSON as it is once it has been through a text. */
  const json = fc.json().map((text) => JSON.parse(text) as unknown);
  it("is encoded as the library encodes it", () => {
    fc.assert(
      fc.property(json, (value) => {
        const wanted = fromJson(ValueSchema, value as never);
        // The order of members is free.
        expect(decodeValue(toBinary(ValueSchema, wanted))).toEqual(decodeValue(encodeValue(value)));
        expect(encodeValue(value)).toHaveLength(toBinary(ValueSchema, wanted).length);
      }),
    );
  });
  it("comes back as it went", () => {
    fc.assert(
      fc.property(json, (value) => {
        expect(decodeValue(encodeValue(value))).toEqual(value);
      }),
    );
    for (const value of [
      null,
      true,
      false,
      0,
      -1.5,
      1e300,
      "",
      "ü😀\u0000",
      [],
      {},
      [[]],
      { a: {} },
    ])
      expect(decodeValue(encodeValue(value))).toEqual(value);
    const long = "x".repeat(300_000);
    expect(decodeValue(encodeValue({ long, more: [long] }))).toEqual({ long, more: [long] });
  });
  it("may have any name in it", () => {
    const value = JSON.parse('{"__proto__": {"a": 1}, "constructor": 2}') as object;
    expect(Object.keys(decodeValue(encodeValue(value)) as object)).toEqual([
      "__proto__",
      "constructor",
    ]);
  });
  it("is nothing but that", () => {
    expect(() => decodeValue(new Uint8Array(0))).toThrow(TypeError);
    expect(() =>
      decodeValue(
        toBinary(ValueSchema, create(ValueSchema, { kind: { case: "numberValue", value: NaN } })),
      ),
    ).toThrow(TypeError);
    expect(() => decodeValue(Uint8Array.of(0x1a, 0x7f))).toThrow(RangeError);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        try {
          JSON.stringify(decodeValue(bytes));
        } catch (reason) {
          expect(reason).toBeInstanceOf(Error);
        }
      }),
    );
  });
  it("a thousand levels deep is read and written", () => {
    const value = JSON.parse("[".repeat(1000) + "]".repeat(1000)) as unknown;
    expect(JSON.stringify(decodeValue(encodeValue(value)))).toBe(JSON.stringify(value));
  });
});

describe("the JSON form of an Any", () => {
  const row = <D extends DescMessage>(schema: D, init: object): [string, DescMessage, object] => [
    schema.typeName.slice("google.protobuf.".length),
    schema,
    init,
  ];
  it.each([
    row(StringValueSchema, { value: "hello" }),
    row(StringValueSchema, {}),
    row(BytesValueSchema, { value: Uint8Array.of(1, 2, 255) }),
    row(BytesValueSchema, {}),
    row(BoolValueSchema, { value: true }),
    row(BoolValueSchema, {}),
    row(Int32ValueSchema, { value: -7 }),
    row(Int32ValueSchema, { value: 7 }),
    row(UInt32ValueSchema, { value: 4_294_967_295 }),
    row(Int64ValueSchema, { value: -(2n ** 63n) }),
    row(Int64ValueSchema, {}),
    row(UInt64ValueSchema, { value: 2n ** 64n - 1n }),
    row(DoubleValueSchema, { value: 1.5 }),
    row(DoubleValueSchema, { value: Infinity }),
    row(FloatValueSchema, { value: -0.5 }),
    row(DurationSchema, { seconds: 5n, nanos: 500_000_000 }),
    row(DurationSchema, { seconds: -5n, nanos: -1 }),
    row(TimestampSchema, { seconds: 1_767_225_600n, nanos: 120_000_000 }),
    row(TimestampSchema, { seconds: 1_767_225_600n }),
    row(EmptySchema, {}),
    row(StructSchema, { fields: { a: { kind: { case: "stringValue", value: "x" } } } }),
    row(ListValueSchema, { values: [{ kind: { case: "boolValue", value: true } }] }),
    row(ValueSchema, { kind: { case: "nullValue", value: 0 } }),
  ])("of %s is the library's", (name, schema, init) => {
    const message = create(schema, init as never);
    expect(anyMembers(url(name), toBinary(schema, message))).toEqual({
      value: toJson(schema, message),
    });
  });
  it("is not known of other types", () => {
    expect(anyMembers("type.googleapis.com/my.own.Type", new Uint8Array(0))).toBeUndefined();
    expect(anyMembers("text/plain", new Uint8Array(0))).toBeUndefined();
    expect(anyMembers("", new Uint8Array(0))).toBeUndefined();
    expect(anyMembers("google.protobuf.StringValue", new Uint8Array(0))).toBeUndefined();
  });
  it("is not there for bytes that are something else", () => {
    for (const name of ["StringValue", "Int64Value", "Struct", "Duration", "DoubleValue"])
      expect(() => anyMembers(url(name), Uint8Array.of(255, 255))).toThrow();
    expect(() => anyMembers(url("DoubleValue"), Uint8Array.of(8, 1))).toThrow(TypeError);
  });
});

describe("a wrapper", () => {
  it("of text or bytes is taken off", () => {
    const text = toBinary(StringValueSchema, create(StringValueSchema, { value: "ü" }));
    expect(new TextDecoder().decode(unwrap(url("StringValue"), text))).toBe("ü");
    const bytes = toBinary(BytesValueSchema, create(BytesValueSchema, { value: Uint8Array.of(0) }));
    expect(unwrap(url("BytesValue"), bytes)).toEqual(Uint8Array.of(0));
    expect(unwrap(url("BytesValue"), new Uint8Array(0))).toEqual(new Uint8Array(0));
    expect(unwrap(url("Int64Value"), text)).toBeUndefined();
  });
});

describe("fields", () => {
  it("of every kind are read, and nothing beyond the end", () => {
    expect(readFields(Uint8Array.of(8, 150, 1))).toEqual([{ number: 1, type: 0, value: 150n }]);
    expect(readFields(Uint8Array.of(13, 1, 0, 0, 0))).toEqual([{ number: 1, type: 5, value: 1n }]);
    for (const bytes of [[8], [9, 0], [10, 5, 1], [13, 0], [11], [15], Array(11).fill(255)])
      expect(() => readFields(Uint8Array.from(bytes as number[]))).toThrow(RangeError);
  });
});

describe("a Duration", () => {
  it.each([
    ["1s", { seconds: 1, nanos: 0 }, "1s"],
    ["1.5s", { seconds: 1, nanos: 500_000_000 }, "1.500s"],
    ["0.000001s", { seconds: 0, nanos: 1000 }, "0.000001s"],
    ["0.000000001s", { seconds: 0, nanos: 1 }, "0.000000001s"],
    ["-0.5s", { seconds: 0, nanos: -500_000_000 }, "-0.500s"],
    ["-3s", { seconds: -3, nanos: 0 }, "-3s"],
    ["315576000000s", { seconds: 315_576_000_000, nanos: 0 }, "315576000000s"],
  ])("%s", (text, duration, shown) => {
    expect(parseProtoDuration(text)).toEqual(duration);
    expect(formatProtoDuration(duration)).toBe(shown);
  });
  it.each(["", "s", "1", "1m", "x", "1.s", ".5s", "1.0000000001s", "1h", "+1s", "315576000001s"])(
    "is not %j",
    (text) => expect(parseProtoDuration(text)).toBeUndefined(),
  );
});
