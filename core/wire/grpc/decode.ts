import { type DescMessage, fromBinary, type MessageShape } from "@bufbuild/protobuf";
import { ApiError } from "#core/errors/api-error.ts";
import { messageOf } from "#core/errors/component-error.ts";

const malformed = { http: 400, grpc: 13 } as const;

/** Throws Internal for bytes that are not such a message. */
export function decode<D extends DescMessage>(schema: D, bytes: Uint8Array): MessageShape<D> {
  try {
    return fromBinary(schema, bytes);
  } catch (reason) {
    throw new ApiError(
      "ERR_MALFORMED_REQUEST",
      malformed,
      `grpc: error unmarshalling request: ${messageOf(reason)}`,
      { cause: reason },
    );
  }
}

export async function* decodeAll<T>(
  requests: AsyncIterable<Uint8Array>,
  each: (bytes: Uint8Array) => T,
): AsyncGenerator<T> {
  for await (const bytes of requests) yield each(bytes);
}
