import type { HttpInput } from "#core/wire/http/input.ts";
import { messageOf } from "#core/errors/component-error.ts";
import { isRecord, jsonErrorText, jsonTypeOf } from "#core/util/json.ts";
import { cryptoError } from "./errors.ts";
import { base64UrlBytes } from "./keys/jwk.ts";

/** Fields of a protobuf message in JSON, by the names in camel case; what is not there has its default. */
export interface ProtoJson {
  text(name: string): string;
  bytes(name: string): Uint8Array;
  /** Of an enum: a name's place in the list, or a number as it is given. */
  choice(name: string, names: readonly string[]): number;
}

/** The body as a message; nothing at all is an empty one. */
export async function readProtoJson(input: HttpInput): Promise<ProtoJson> {
  let body: string;
  try {
    body = await input.text();
  } catch (reason) {
    throw cryptoError("ERR_BODY_READ", `failed to read request body: ${messageOf(reason)}`, {
      cause: reason,
    });
  }
  const fields = body === "" ? {} : parse(body);
  const field = (name: string): unknown => fields[name] ?? fields[snake(name)] ?? undefined;
  const text = (name: string): string => {
    const value = field(name) ?? "";
    if (typeof value !== "string") throw malformed(wrongType(name, value, "string"));
    return value;
  };
  return {
    text,
    bytes: (name) => {
      try {
        return fromProtoBase64(text(name));
      } catch {
        throw malformed(`field ${name} is not valid base64`);
      }
    },
    choice: (name, names) => {
      const value = field(name) ?? 0;
      const place = typeof value === "string" ? names.indexOf(value) : value;
      if (typeof place !== "number" || !Number.isInteger(place) || place === -1)
        throw malformed(wrongType(name, value, `one of ${names.join(", ")}`));
      return place;
    },
  };
}

function parse(body: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch (reason) {
    throw malformed(reason instanceof RangeError ? "nested too deep" : jsonErrorText(body));
  }
  if (!isRecord(value)) throw malformed(`a message is an object, not ${jsonTypeOf(value)}`);
  return value;
}

/** Protobuf takes both alphabets, with and without padding. */
function fromProtoBase64(text: string): Uint8Array {
  return base64UrlBytes(
    text
      .replaceAll("+", "-")
      .replaceAll("/", "_")
      .replace(/={1,2}$/, ""),
  );
}
function snake(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
function wrongType(name: string, value: unknown, wanted: string): string {
  return `field ${name} must be ${wanted}, not ${jsonTypeOf(value)}`;
}
function malformed(why: string): Error {
  return cryptoError("ERR_MALFORMED_REQUEST", `failed deserializing HTTP body: ${why}`);
}
