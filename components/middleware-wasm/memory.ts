import { bytesOfHeader, textOfHeader } from "#core/util/header-value.ts";
import type { WasmMemory } from "./web-assembly.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** A guest's memory. What a guest points at outside of it is a RangeError, which ends the guest's call. */
export class GuestMemory {
  readonly #memory: WasmMemory;
  constructor(memory: WasmMemory) {
    this.#memory = memory;
  }
  /** A view; the guest's next call may make it stale. */
  bytes(at: number, length: number): Uint8Array {
    // The interface's numbers are unsigned, WebAssembly hands them over signed.
    return new Uint8Array(this.#memory.buffer, at >>> 0, length >>> 0);
  }
  view(): DataView {
    return new DataView(this.#memory.buffer);
  }
  text(at: number, length: number): string {
    return length === 0 ? "" : decoder.decode(this.bytes(at, length));
  }
  /** As headers have it: one character a byte. */
  byteText(at: number, length: number): string {
    return length === 0 ? "" : textOfHeader(this.bytes(at, length));
  }
  /** Writes what fits under the limit whole, and nothing of what does not; gives its length, so that the guest can ask again. */
  put(at: number, limit: number, value: string | Uint8Array): number {
    const bytes = typeof value === "string" ? encoder.encode(value) : value;
    if (bytes.length > 0 && bytes.length <= limit >>> 0) this.bytes(at, bytes.length).set(bytes);
    return bytes.length;
  }
  /** Names or values of headers, each ended by NUL; gives their number in the upper half and their bytes in the lower. */
  putList(at: number, limit: number, values: readonly string[]): bigint {
    const length = this.put(at, limit, bytesOfHeader(values.map((value) => `${value}\0`).join("")));
    return (BigInt(values.length) << 32n) | BigInt(length);
  }
}
