import type { Span } from "./span.ts";

/** W3C Trace Context: who the caller's span is, and what ours is called. https://www.w3.org/TR/trace-context/ */
export interface TraceContext {
  /** The `traceparent` of this call's own span. */
  readonly traceparent: string;
  /** The caller's `tracestate`, passed on as it came; empty when there was none. */
  readonly tracestate: string;
  /** Present when the trace is sampled and the app exports: what is to be said of this call. */
  readonly span?: Span | undefined;
  /** The caller's own context: the call has no span of its own. */
  readonly isRelayed?: true;
}

/** Dapr: what a caller without a context is said to have where no spans are made. */
export const noTraceparent: string = `00-${"0".repeat(32)}-${"0".repeat(16)}-00`;
const nothingToRelay: TraceContext = {
  traceparent: noTraceparent,
  tracestate: "",
  isRelayed: true,
};

/** The `traceparent` to put into an event: an empty string if there is no trace. */
export function eventTraceparent(trace: TraceContext | undefined): string {
  return trace === undefined || trace === nothingToRelay ? "" : trace.traceparent;
}

const traceparentLength = 55;
const pool = new Uint8Array(4096);
/** The pool in lower-case hex, of which parts are cut off: far cheaper than to join them byte by byte. */
let digits = "";
let used = 0;
const decoder = new TextDecoder();

/** Random bytes as lower-case hex, drawn from the system's generator 4 KiB at a time. */
function randomHex(bytes: number): string {
  if (used + 2 * bytes > digits.length) {
    digits = toHex(crypto.getRandomValues(pool));
    used = 0;
  }
  const from = used;
  used += 2 * bytes;
  return digits.slice(from, used);
}
/** The two digits of each byte, as they lie in memory. */
const pairs = new Uint16Array(
  new TextEncoder()
    .encode(Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0")).join(""))
    .slice().buffer,
);
function toHex(bytes: Uint8Array): string {
  const text = new Uint16Array(bytes.length);
  for (let i = 0; i < bytes.length; i++) text[i] = pairs[bytes[i] as number] as number;
  return decoder.decode(text);
}

/**
 * Continues the caller's trace, whose flags decide, or starts one, which is sampled at the rate given (0 to 1). Without
 * a rate nobody makes spans, and the caller's context is passed on as it is: a span that nobody exports would be the
 * missing parent of those that others do.
 */
export function traceFrom(
  traceparent: string | null | undefined,
  tracestate: string | null | undefined,
  rate: number | undefined,
): TraceContext {
  if (traceparent && isTraceparent(traceparent)) {
    const state = tracestate && isTracestate(tracestate) ? tracestate : "";
    if (rate === undefined) return { traceparent, tracestate: state, isRelayed: true };
    return {
      traceparent: `00-${traceparent.slice(3, 35)}-${randomHex(8)}-${traceparent.slice(53, 55)}`,
      tracestate: state,
    };
  }
  if (rate === undefined) return nothingToRelay;
  const traceId = randomHex(16);
  return {
    traceparent: `00-${traceId}-${randomHex(8)}-${isInSample(traceId, rate) ? "01" : "00"}`,
    tracestate: "",
  };
}

/** The number that 13 hexadecimal digits can hold, and a `number` exactly. */
const span52 = 2 ** 52;
/**
 * OpenTelemetry's TraceIdRatioBased: the last 8 bytes of the id are a fraction, so that all who ask at one
 * rate decide alike.
 */
export function isInSample(traceId: string, rate: number): boolean {
  if (rate >= 1) return true;
  return Number.parseInt(traceId.slice(16, 29), 16) < rate * span52;
}

/** The sampled flag of a `traceparent` that is well-formed. */
export function isSampled(traceparent: string): boolean {
  // Lower-case hexadecimal: the codes of odd digits are odd for 1 to 9, and even for b, d and f.
  const code = traceparent.charCodeAt(54);
  return (code & 1) === (code < 58 ? 1 : 0);
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

/** Dapr drops what is longer, and what is malformed. */
const maxTracestate = 512;
const maxMembers = 32;
const member =
  /^(?:[a-z][a-z0-9_\-*/]{0,255}|[a-z0-9][a-z0-9_\-*/]{0,240}@[a-z][a-z0-9_\-*/]{0,13})=[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]$/;

function isTracestate(text: string): boolean {
  if (text.length > maxTracestate) return false;
  const members = text.split(",");
  return (
    members.length <= maxMembers &&
    members.every((each) => {
      const trimmed = each.trim();
      return trimmed === "" || member.test(trimmed);
    })
  );
}
