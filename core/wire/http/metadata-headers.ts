import { calleeAppId, callerAppId, callerNamespace } from "#core/util/identity-headers.ts";
import type { App } from "#core/kernel/app.ts";
import type { Metadata } from "#core/ports/component.ts";
import { headerValue, isHeaderName } from "#core/util/header-value.ts";
import { tokenHeader } from "#core/gate/token.ts";

/**
 * Names that the metadata of a message or an event must not set on a call to the app: what belongs to one
 * connection, what we set ourselves, and what would let a sender pass for the runtime or for another app.
 */
const kept: ReadonlySet<string> = new Set([
  "connection",
  "content-length",
  "content-type",
  calleeAppId,
  callerAppId,
  callerNamespace,
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

/** Adds metadata to the headers of a call to the app, as far as it can and may stand there. */
export function pushMetadata(headers: string[], metadata: Metadata): void {
  for (const name of Object.keys(metadata))
    if (isHeaderName(name) && !kept.has(name.toLowerCase()))
      headers.push(name, headerValue(metadata[name] as string));
}

/** Adds the token that the app expects of its runtime, if it does. */
export function pushAppToken(headers: string[], app: App): void {
  if (app.identity.appToken !== undefined) headers.push(tokenHeader, app.identity.appToken);
}
