import { ComponentError } from "#core/errors/component-error.ts";
import type { Metadata } from "#core/ports/component.ts";
import type { Settings } from "./settings.ts";

/** Written by the HTTP client itself; Go's ignores them as well, or it would refuse the request. */
const ofTheClient: ReadonlySet<string> = new Set([
  "connection",
  "content-length",
  "expect",
  "host",
  "keep-alive",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);
const json = "application/json; charset=utf-8";
const traceHeaders = ["traceparent", "tracestate", "baggage"];

/** Dapr: metadata whose name starts with a capital letter is a header; so are the three of tracing. */
export function requestHeaders(settings: Settings, metadata: Metadata, hasBody: boolean): Headers {
  const headers = new Headers({ accept: json });
  if (hasBody) headers.set("content-type", json);
  if (settings.authorization !== undefined) headers.set("authorization", settings.authorization);
  if (settings.securityHeader) headers.set(...settings.securityHeader);
  for (const name of Object.keys(metadata))
    if (isCapital(name) && !ofTheClient.has(name.toLowerCase()))
      set(headers, name, metadata[name] as string);
  for (const name of traceHeaders) {
    const value = metadata[name];
    if (value !== undefined && value !== "") set(headers, name, value);
  }
  return headers;
}

function isCapital(name: string): boolean {
  const code = name.charCodeAt(0);
  return code >= 65 && code <= 90;
}

function set(headers: Headers, name: string, value: string): void {
  try {
    headers.set(name, value);
  } catch (reason) {
    throw new ComponentError(
      "rejected",
      `metadata ${JSON.stringify(name)} cannot be sent as a header`,
      { cause: reason },
    );
  }
}
