import type { Data } from "#core/ports/component.ts";

const encoder = new TextEncoder();

/** Data as bytes; text in UTF-8. */
export function bytesOf(data: Data): Uint8Array<ArrayBuffer> {
  return (typeof data === "string" ? encoder.encode(data) : data) as Uint8Array<ArrayBuffer>;
}
