import { ComponentError } from "#core/errors/component-error.ts";
import { headerValue, isHeaderName } from "#core/util/header-value.ts";
import type { Metadata } from "#core/ports/component.ts";
import { userAgent } from "#core/outbound/user-agent.ts";
import type { Settings } from "./settings.ts";

/** Written by the HTTP client itself; Go's ignores them as well, or it would refuse the request. */
const ofTheClient: ReadonlySet<string> = new Set([
  "connection",
  "content-length",
  "expect",
  "host",
  "http2-settings",
  "keep-alive",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);
const json = "application/json; charset=utf-8";
const traceHeaders = ["traceparent", "tracestate", "baggage"];

/** Values by lower-cased names, as they go out. */
export type RequestHeaders = Map<string, string>;

/**
 * Dapr: metadata whose name starts with a capital letter is a header; so are the three of tracing. Go's client asks for
 * gzip where nobody says otherwise.
 */
export function requestHeaders(
  settings: Settings,
  metadata: Metadata,
  method: string,
  hasBody: boolean,
): RequestHeaders {
  const headers: RequestHeaders = new Map([
    ["accept", json],
    ["user-agent", userAgent],
  ]);
  if (hasBody) headers.set("content-type", json);
  if (settings.authorization !== undefined) headers.set("authorization", settings.authorization);
  if (settings.securityHeader) set(headers, ...settings.securityHeader);
  for (const name of Object.keys(metadata))
    if (isCapital(name) && !ofTheClient.has(name.toLowerCase()))
      set(headers, name, metadata[name] as string);
  for (const name of traceHeaders) {
    const value = metadata[name];
    if (value !== undefined && value !== "") set(headers, name, value);
  }
  const asksForItself = headers.has("accept-encoding") || headers.has("range");
  if (!asksForItself && method !== "HEAD") headers.set("accept-encoding", "gzip");
  return headers;
}

function isCapital(name: string): boolean {
  const code = name.charCodeAt(0);
  return code >= 65 && code <= 90;
}

function set(headers: RequestHeaders, name: string, value: string): void {
  if (!canStand(name, value))
    throw new ComponentError(
      "rejected",
      `metadata ${JSON.stringify(name)} cannot be sent as a header`,
    );
  headers.set(name.toLowerCase(), headerValue(value.trim()));
}

export function canStand(name: string, value: string): boolean {
  // oxlint-disable-next-line no-control-regex -- control characters are what this is about
  return isHeaderName(name) && !/[\u0000-\u0008\u000a-\u001f\u007f]/.test(value.trim());
}
