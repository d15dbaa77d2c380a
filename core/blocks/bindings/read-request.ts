import { messageOf } from "#core/errors/component-error.ts";
import type { HttpInput } from "#core/wire/http/input.ts";
import type { Metadata } from "#core/ports/component.ts";
import { field } from "#core/blocks/_shared/fields.ts";
import { isRecord, jsonErrorText, jsonTypeOf, parseJson } from "#core/util/json.ts";
import { baggageFault } from "#core/tracing/baggage.ts";
import { encodeJson } from "./encode-json.ts";
import { bindingError, malformed } from "./errors.ts";
import type { InvokeBinding } from "./operations.ts";

/** Decodes `{operation, data, metadata}`. What does not fit is refused as Go's decoder would. */
export async function readRequest(input: HttpInput): Promise<InvokeBinding> {
  const body = await readBody(input);
  const metadata = readMetadata(field(body, "metadata"));
  const baggage = input.header("baggage");
  if (baggage !== undefined) {
    const fault = baggageFault(baggage);
    if (fault !== undefined)
      throw bindingError("ERR_MALFORMED_REQUEST", `invalid baggage header: ${fault}`);
    metadata["baggage"] = baggage;
  }
  return {
    binding: input.param("name"),
    operation: text(field(body, "operation"), "operation"),
    data: dataText(field(body, "data")),
    metadata,
  };
}

async function readBody(input: HttpInput): Promise<Readonly<Record<string, unknown>>> {
  let given: string;
  try {
    given = await input.text();
  } catch (reason) {
    throw malformed(messageOf(reason), reason);
  }
  let value: unknown;
  try {
    value = parseJson(given);
  } catch (reason) {
    throw malformed(reason instanceof RangeError ? tooDeep : jsonErrorText(given), reason);
  }
  if (value === null) return {};
  if (!isRecord(value) || jsonTypeOf(value) !== "object")
    throw mismatch(value, "value of type http.OutputBindingRequest");
  return value;
}
const tooDeep = "exceeded max depth";

/** The component gets JSON again, whatever was sent; nothing sent is `null`. */
function dataText(value: unknown): string {
  if (value === undefined) return "null";
  try {
    return encodeJson(value);
  } catch (reason) {
    // The stack is what runs out first where values nest too deep.
    throw malformed(
      messageOf(reason) === "number out of range" ? messageOf(reason) : tooDeep,
      reason,
    );
  }
}

function readMetadata(value: unknown): Record<string, string> & Metadata {
  if (value === undefined || value === null) return {};
  if (!isRecord(value))
    throw mismatch(value, "struct field OutputBindingRequest.metadata of type map[string]string");
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) => [name, text(each, "metadata")]),
  );
}
function text(value: unknown, name: string): string {
  if (value === undefined || value === null) return "";
  if (typeof value !== "string")
    throw mismatch(value, `struct field OutputBindingRequest.${name} of type string`);
  return value;
}
function mismatch(value: unknown, where: string): Error {
  return malformed(`json: cannot unmarshal ${jsonTypeOf(value)} into Go ${where}`);
}
