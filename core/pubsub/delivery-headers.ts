import type { App } from "#core/app.ts";
import type { Metadata } from "#core/ports/component.ts";
import { tokenHeader } from "#core/http/token.ts";
import { traceFrom } from "#core/trace-context.ts";

/**
 * Names that message metadata must not set: what belongs to one connection, what we set ourselves,
 * and what would let a publisher pass for the runtime or for another app.
 */
const kept: ReadonlySet<string> = new Set([
  "connection",
  "content-length",
  "content-type",
  "dapr-callee-app-id",
  "dapr-caller-app-id",
  "dapr-caller-namespace",
  "destination-app-id",
  "expect",
  "host",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "pubsubname",
  "te",
  tokenHeader,
  "traceparent",
  "tracestate",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** Headers of a delivery; `trace` is the `traceparent` that the event came with, if any. */
export function deliveryHeaders(
  app: App,
  pubsub: string,
  contentType: string,
  metadata: Metadata,
  trace: string | undefined,
): string[] {
  const headers = ["content-type", contentType, "pubsubName", safe(pubsub)];
  for (const name of Object.keys(metadata)) {
    if (kept.has(name.toLowerCase()) || name.endsWith("-bin") || !isToken(name)) continue;
    headers.push(name, safe(metadata[name] as string));
  }
  // Dapr: the event's tracestate stays in the event.
  if (trace !== undefined && app.samplingRate > 0)
    headers.push(
      "traceparent",
      traceFrom(trace, "", () => Math.random() < app.samplingRate).traceparent,
    );
  if (app.appToken !== undefined) headers.push(tokenHeader, app.appToken);
  return headers;
}

function isToken(name: string): boolean {
  return /^[\w!#$%&'*+.^`|~-]+$/.test(name);
}

const encoder = new TextEncoder();
/** UTF-8 on the wire, one byte a character; a line break must not start a header of its own. */
function safe(value: string): string {
  // oxlint-disable-next-line no-control-regex -- control characters are what this is about
  if (/^[\x20-\x7e]*$/.test(value)) return value;
  let out = "";
  for (const byte of encoder.encode(value))
    out += byte < 0x20 || byte === 0x7f ? " " : String.fromCharCode(byte);
  return out;
}
