import type { Data } from "#core/ports/component.ts";
import type { Argument } from "./client.ts";

/** Data as the client library takes it, not copied. */
export function bytesOf(data: Data): Argument {
  if (typeof data === "string" || data instanceof Buffer) return data;
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength);
}
