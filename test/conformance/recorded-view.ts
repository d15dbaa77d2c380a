import {
  type DescField,
  type DescMessage,
  fromBinary,
  isFieldSet,
  type Message,
} from "@bufbuild/protobuf";
import {
  AnySchema,
  BoolValueSchema,
  BytesValueSchema,
  DurationSchema,
  Int64ValueSchema,
  StringValueSchema,
  StructSchema,
  TimestampSchema,
  ValueSchema,
} from "@bufbuild/protobuf/wkt";

/** Types whose messages the recordings show decoded within an Any. */
const known = new Map(
  [
    BoolValueSchema,
    BytesValueSchema,
    DurationSchema,
    Int64ValueSchema,
    StringValueSchema,
    StructSchema,
    ValueSchema,
  ].map((schema): [string, DescMessage] => [schema.typeName, schema]),
);

/** A message as the recordings of actors, jobs and workflows show it: fields that are set, lists and maps. */
export function recordedView(schema: DescMessage, message: Message): unknown {
  const fields = message as unknown as Record<string, unknown>;
  switch (schema.typeName) {
    case TimestampSchema.typeName:
      return "<time>";
    case StringValueSchema.typeName:
      return fields["value"];
    case DurationSchema.typeName:
      return `${Number(fields["seconds"]) + Number(fields["nanos"]) / 1e9}s`;
    case AnySchema.typeName:
      return anyView(fields["typeUrl"] as string, fields["value"] as Uint8Array);
  }
  const out: Record<string, unknown> = {};
  for (const field of schema.fields) {
    const isMany = field.fieldKind === "list" || field.fieldKind === "map";
    if (!isMany && !isFieldSet(message, field)) continue;
    const group = field.oneof && !field.proto.proto3Optional ? field.oneof.localName : undefined;
    const value =
      group === undefined
        ? fields[field.localName]
        : (fields[group] as { readonly value: unknown }).value;
    out[field.localName] = fieldView(field, value);
  }
  return out;
}

function fieldView(field: DescField, value: unknown): unknown {
  switch (field.fieldKind) {
    case "list":
      return (value as readonly unknown[]).map((each) => singleView(field.message, each));
    case "map":
      return Object.fromEntries(
        Object.entries(value as object).map(([key, each]) => [
          key,
          singleView(field.message, each),
        ]),
      );
    case "enum":
      return field.enum.value[value as number]?.name ?? value;
    default:
      return singleView(field.message, value);
  }
}
function singleView(schema: DescMessage | undefined, value: unknown): unknown {
  if (schema) return recordedView(schema, value as Message);
  if (value instanceof Uint8Array) return bytesView(value);
  return typeof value === "bigint" ? String(value) : value;
}
function anyView(typeUrl: string, value: Uint8Array): unknown {
  const schema = known.get(typeUrl.split("/").at(-1) as string);
  return schema
    ? { type: schema.typeName, value: recordedView(schema, fromBinary(schema, value)) }
    : { type: typeUrl, value: bytesView(value) };
}
function bytesView(value: Uint8Array): object {
  const text = Buffer.from(value).toString();
  // oxlint-disable-next-line no-control-regex -- the recordings tell text and bytes apart so
  const isText = Buffer.from(text).equals(value) && !/[\u0000-\u0008\u000e-\u001f]/.test(text);
  return isText ? { bytes: text } : { hex: Buffer.from(value).toString("hex") };
}
