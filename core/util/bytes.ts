import type { Data } from "#core/ports/component.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Data as bytes; text in UTF-8. */
export function bytesOf(data: Data): Uint8Array<ArrayBuffer> {
  return (typeof data === "string" ? encoder.encode(data) : data) as Uint8Array<ArrayBuffer>;
}

/** Data as text, of UTF-8. */
export function textOf(data: Data): string {
  return typeof data === "string" ? data : decoder.decode(data);
}

/** Bytes that a text or bytes take on the wire. */
export function sizeOf(data: Data): number {
  if (typeof data !== "string") return data.byteLength;
  // Written into one buffer over and over: counting character by character is slower by far.
  return data.length <= scratch.length / 3
    ? encoder.encodeInto(data, scratch).written
    : encoder.encode(data).byteLength;
}
/** A unit of a text takes three bytes at most. */
const scratch = new Uint8Array(3 * 16_384);
