import { joined } from "./joined.ts";

/** The name under which a module's start function is exported. */
export const startExport = "outrigger:start";

const headerBytes = 8;
const exportSection = 7;
const startSection = 8;
const encoder = new TextEncoder();

/**
 * A valid module, its start function exported instead of run on instantiation: JavaScript cannot reach the
 * memory of an instance that is still being made, and a start function may already call the host.
 */
export function exportStart(module: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const sections = [...sectionsOf(module)];
  const start = sections.find(({ id }) => id === startSection);
  if (!start) return module;
  const parts: Uint8Array[] = [module.subarray(0, headerBytes)];
  for (const section of sections) {
    if (section.id === exportSection) {
      const payload = withExport(section.payload, start.payload);
      parts.push(Uint8Array.of(exportSection), encodeNumber(payload.length), payload);
    } else if (section !== start) parts.push(section.whole);
  }
  return joined(...parts);
}

interface Section {
  readonly id: number;
  readonly payload: Uint8Array;
  /** With id and length. */
  readonly whole: Uint8Array;
}

function* sectionsOf(module: Uint8Array): Generator<Section> {
  for (let at = headerBytes; at < module.length;) {
    const { value: length, next } = decodeNumber(module, at + 1);
    const end = next + length;
    yield {
      id: module[at] as number,
      payload: module.subarray(next, end),
      whole: module.subarray(at, end),
    };
    at = end;
  }
}

/** An export section with one function more; `index` as it stands in the start section. */
function withExport(payload: Uint8Array, index: Uint8Array): Uint8Array {
  const { value: count, next } = decodeNumber(payload, 0);
  const name = encoder.encode(startExport);
  const ofFunction = Uint8Array.of(0);
  return joined(
    encodeNumber(count + 1),
    payload.subarray(next),
    encodeNumber(name.length),
    name,
    ofFunction,
    index,
  );
}

/** Unsigned LEB128. */
function decodeNumber(
  bytes: Uint8Array,
  from: number,
): { readonly value: number; readonly next: number } {
  let value = 0;
  let at = from;
  for (let factor = 1; ; factor *= 128) {
    const byte = bytes[at++] as number;
    value += (byte & 127) * factor;
    if (byte < 128) return { value, next: at };
  }
}
function encodeNumber(value: number): Uint8Array {
  const out: number[] = [];
  let rest = value;
  for (; rest > 127; rest = Math.floor(rest / 128)) out.push((rest % 128) | 128);
  return Uint8Array.from([...out, rest]);
}
