/** W3C Trace Context: who the caller's span is, and what ours is called. https://www.w3.org/TR/trace-context/ */
export interface TraceContext {
  /** The `traceparent` of this call's own span. */
  readonly traceparent: string;
  /** The caller's `tracestate`, passed on as it came; empty when there was none. */
  readonly tracestate: string;
}

const traceparentLength = 55;
const pool = new Uint8Array(4096);
let used = pool.length;
const hex: readonly string[] = Array.from({ length: 256 }, (_, byte) =>
  byte.toString(16).padStart(2, "0"),
);

/** Random bytes as lower-case hex, drawn from the system's generator 4 KiB at a time. */
function randomHex(bytes: number): string {
  if (used + bytes > pool.length) {
    crypto.getRandomValues(pool);
    used = 0;
  }
  let text = "";
  for (let i = 0; i < bytes; i++) text += hex[pool[used++] as number];
  return text;
}

/** Continues the caller's trace, or starts one. `sampled` decides for a trace that starts here. */
export function traceFrom(
  traceparent: string | null | undefined,
  tracestate: string | null | undefined,
  sampled: () => boolean,
): TraceContext {
  if (traceparent && isTraceparent(traceparent)) {
    return {
      traceparent: `00-${traceparent.slice(3, 35)}-${randomHex(8)}-${traceparent.slice(53, 55)}`,
      tracestate: tracestate ?? "",
    };
  }
  return {
    traceparent: `00-${randomHex(16)}-${randomHex(8)}-${sampled() ? "01" : "00"}`,
    tracestate: "",
  };
}

/** Version 00 only: two dashes in place, lower-case hex, neither id all zero. */
export function isTraceparent(text: string): boolean {
  if (text.length !== traceparentLength || !text.startsWith("00-")) return false;
  let trace = 0;
  let span = 0;
  for (let i = 3; i < traceparentLength; i++) {
    const code = text.charCodeAt(i);
    if (i === 35 || i === 52) {
      if (code !== 45) return false;
      continue;
    }
    if (!((code >= 48 && code <= 57) || (code >= 97 && code <= 102))) return false;
    if (code !== 48) {
      if (i < 35) trace++;
      else if (i < 52) span++;
    }
  }
  return trace > 0 && span > 0;
}
