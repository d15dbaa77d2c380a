import { bytesField } from "#core/util/protobuf/wire.ts";

const encoder = new TextEncoder();

/** JSON text as a google.protobuf.Any that holds a google.protobuf.BytesValue. */
export function bytesValue(json: string): { readonly typeUrl: string; readonly value: Uint8Array } {
  return {
    typeUrl: "type.googleapis.com/google.protobuf.BytesValue",
    value: bytesField(1, encoder.encode(json)),
  };
}
