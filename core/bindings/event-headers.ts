import type { App } from "#core/app.ts";
import { tokenHeader } from "#core/http/token.ts";
import type { Metadata } from "#core/ports/component.ts";
import { traceFrom } from "#core/trace-context.ts";
import { isHeaderName } from "./header-names.ts";

/** What an event's metadata must not set: headers of one connection, our own, and those that name a caller. */
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
  "te",
  tokenHeader,
  "traceparent",
  "tracestate",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** Headers of a probe or of an event: Dapr says JSON whatever the data is. */
export function eventHeaders(app: App, metadata: Metadata): string[] {
  const headers = ["content-type", "application/json"];
  for (const name of Object.keys(metadata))
    if (isHeaderName(name) && !kept.has(name.toLowerCase()))
      headers.push(name, safe(metadata[name] as string));
  if (app.samplingRate > 0) {
    const trace = traceFrom(
      metadata["traceparent"],
      metadata["tracestate"],
      () => Math.random() < app.samplingRate,
    );
    headers.push("traceparent", trace.traceparent);
    if (trace.tracestate !== "") headers.push("tracestate", safe(trace.tracestate));
  }
  if (app.appToken !== undefined) headers.push(tokenHeader, app.appToken);
  return headers;
}

const encoder = new TextEncoder();
/** UTF-8 on the wire, one byte a character; a line break must not start a header of its own. */
function safe(value: string): string {
  if (/^[\x20-\x7e]*$/.test(value)) return value;
  let out = "";
  for (const byte of encoder.encode(value))
    out += byte < 0x20 || byte === 0x7f ? " " : String.fromCharCode(byte);
  return out;
}
