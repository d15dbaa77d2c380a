import {
  create,
  type DescMessage,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import { ComponentError, messageOf } from "#core/errors/component-error.ts";
import type { Data } from "#core/ports/component.ts";

export function encode<I extends DescMessage>(schema: I, init: MessageInitShape<I>): Uint8Array {
  return toBinary(schema, create(schema, init));
}

/** Throws a ComponentError for bytes that are no such message. */
export function decode<O extends DescMessage>(schema: O, bytes: Uint8Array): MessageShape<O> {
  try {
    return fromBinary(schema, bytes);
  } catch (reason) {
    const text = `the component's message cannot be read: ${messageOf(reason)}`;
    throw new ComponentError("rejected", text, { cause: reason });
  }
}

const encoder = new TextEncoder();
export function bytesOf(data: Data): Uint8Array {
  return typeof data === "string" ? encoder.encode(data) : data;
}
