import { calleeAppId, callerAppId, callerNamespace } from "#core/util/identity-headers.ts";
import type { App } from "#core/kernel/app.ts";
import type { Call } from "#core/kernel/call.ts";
import { encodePath } from "#core/util/path.ts";
import { tokenHeader } from "#core/gate/token.ts";
import { asksForToken } from "#core/identity/token-check.ts";
import type { AppRef, HeaderList, Platform, PlainRequest } from "#core/ports/platform.ts";
import { requestHeaders } from "#core/blocks/_shared/forwarded-headers.ts";
import type { Invoke } from "./operations.ts";

const tracingHeaders: ReadonlySet<string> = new Set([
  "traceparent",
  "tracestate",
  "grpc-trace-bin",
]);
const nothing: ReadonlySet<string> = new Set();
const token: ReadonlySet<string> = new Set([tokenHeader]);
const tokenAndTracing: ReadonlySet<string> = new Set([...tracingHeaders, tokenHeader]);

/** The caller's API token never reaches another app (CVE-2024-35223). */
function dropped(call: Call, appToken: string | undefined): ReadonlySet<string> {
  const secret = asksForToken(call.app.identity) || appToken !== undefined;
  if (call.trace) return secret ? tokenAndTracing : tracingHeaders;
  return secret ? token : nothing;
}

/** Headers of a call to an app. */
export function headersFor(
  call: Call,
  given: HeaderList,
  callee: AppRef,
  hosted: App | undefined,
  host: Platform["host"],
): string[] {
  const headers = requestHeaders(given, dropped(call, hosted?.identity.appToken));
  const { app } = call;
  headers.push(
    callerAppId,
    app.appId,
    calleeAppId,
    callee.appId,
    callerNamespace,
    app.namespace || "default",
  );
  if (hosted?.identity.appToken !== undefined) headers.push(tokenHeader, hosted.identity.appToken);
  pushTrace(headers, call);
  // Dapr: a call to oneself stays inside the sidecar and is not marked as forwarded.
  if (hosted !== app)
    headers.push(
      "x-forwarded-for",
      host.address,
      "x-forwarded-host",
      host.name,
      "forwarded",
      `for=${host.address};by=${host.address};host=${host.name}`,
    );
  return headers;
}

/** Headers of a call to an address; those `of` it are in the place of the caller's. */
export function outsideHeaders(
  call: Call,
  given: HeaderList,
  of: HeaderList,
  appToken: string | undefined,
): string[] {
  const own = requestHeaders(of, call.trace ? tracingHeaders : nothing);
  const drop = dropped(call, appToken);
  const replaced = own.length === 0 ? drop : new Set([...drop, ...namesOf(own)]);
  const headers = requestHeaders(given, replaced);
  headers.push(...own);
  pushTrace(headers, call);
  if (appToken !== undefined) headers.push(tokenHeader, appToken);
  return headers;
}
function* namesOf(headers: HeaderList): Generator<string> {
  for (let i = 0; i < headers.length; i += 2) yield headers[i] as string;
}

function pushTrace(headers: string[], { trace }: Call): void {
  if (!trace) return;
  headers.push("traceparent", trace.traceparent);
  if (trace.tracestate !== "") headers.push("tracestate", trace.tracestate);
}

export function bodyOf({ body, bodyBytes }: Invoke): Pick<PlainRequest, "body" | "bodyBytes"> {
  if (body === undefined) return {};
  return bodyBytes === undefined ? { body } : { body, bodyBytes };
}

export function pathOf(method: string, query: string): string {
  const path = `/${encodePath(method)}`;
  return query === "" ? path : `${path}?${query}`;
}
