import { calleeAppId, callerAppId, callerNamespace } from "#core/util/identity-headers.ts";
import type { IncomingHttpHeaders, OutgoingHttpHeaders, ServerHttp2Stream } from "node:http2";
import type { App } from "#core/kernel/app.ts";
import { traceBin } from "#core/wire/grpc/trace-bin.ts";
import { tokenHeader } from "#core/gate/token.ts";
import type { AppRef } from "#core/ports/platform.ts";
import type { TraceContext } from "#core/tracing/trace-context.ts";
import { StreamOrigin } from "./caller.ts";
import { proxyTrace } from "./proxy-span.ts";

/** At the last hop: who calls, and the app's own token. */
export function localHeaders(caller: AppRef | undefined, callee: App): OutgoingHttpHeaders {
  const out: OutgoingHttpHeaders = {};
  if (caller && caller !== callee) {
    out[callerAppId] = caller.appId;
    out[calleeAppId] = callee.appId;
  }
  if (callee.identity.appToken !== undefined) out[tokenHeader] = callee.identity.appToken;
  return out;
}

/** The caller's metadata without what is meant for the runtime, and without what only the runtime may say. */
export function headersFor(
  headers: IncomingHttpHeaders,
  caller: StreamOrigin,
  route: { readonly callee?: App; readonly headers: OutgoingHttpHeaders },
  stream: ServerHttp2Stream,
): OutgoingHttpHeaders {
  const path = headers[":path"] ?? "";
  const { callee } = route;
  const trace = proxyTrace(
    caller.app,
    caller,
    stream,
    path,
    callee === caller.app ? "server" : "client",
  );
  const out: OutgoingHttpHeaders = {};
  for (const name in headers) if (!ours.has(name)) out[name] = headers[name];
  if (trace) setTrace(out, trace);
  for (const name in route.headers) out[name] = route.headers[name];
  if (callee?.policies.tracer && callee !== caller.app) retrace(out, callee, stream, path);
  return out;
}
function setTrace(out: OutgoingHttpHeaders, { traceparent, tracestate }: TraceContext): void {
  out["traceparent"] = traceparent;
  if (tracestate !== "") out["tracestate"] = tracestate;
  out["grpc-trace-bin"] = traceBin(traceparent);
}
/** The callee's part of the call, as another process would have it. */
export function retrace(
  out: OutgoingHttpHeaders,
  callee: App,
  stream: ServerHttp2Stream,
  path: string,
): void {
  const caller = new StreamOrigin(callee, out as IncomingHttpHeaders, stream);
  const trace = proxyTrace(callee, caller, stream, path, "server");
  if (trace) setTrace(out, trace);
}
const ours: ReadonlySet<string> = new Set([
  ":authority",
  ":scheme",
  "host",
  "connection",
  "dapr-app-id",
  callerAppId,
  calleeAppId,
  callerNamespace,
  tokenHeader,
]);
