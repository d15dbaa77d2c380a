import type { Access } from "#core/access-control/access-control.ts";
import { AccessDeniedError, workloadOf } from "#core/access-control/check.ts";
import type { App, HttpEndpoint } from "#core/app.ts";
import type { Call } from "#core/call.ts";
import { messageOf } from "#core/errors/component-error.ts";
import { cleanMethod, encodePath } from "#core/http/path.ts";
import { tokenHeader } from "#core/http/token.ts";
import { throughAppPipeline } from "#core/middleware/app-pipeline.ts";
import type { CallOptions } from "#core/ports/component.ts";
import { defineOperation, type Operation } from "#core/operation.ts";
import type {
  AppChannel,
  AppRef,
  HeaderList,
  Platform,
  PlainRequest,
  PlainResponse,
} from "#core/ports/platform.ts";
import { type Guard, unguarded } from "#core/resiliency/guard.ts";
import { builtInRetry } from "#core/resiliency/built-in-retry.ts";
import { type InvocationIds, isMeasured, measuredInvocation } from "#core/telemetry/invocation.ts";
import { isSampled, type TraceContext } from "#core/trace-context.ts";
import { sendTraced } from "#core/tracing/server-span.ts";
import { asksForToken } from "#core/identity/token-check.ts";
import { invokeError, invokeFailed } from "./errors.ts";
import { sendExternal } from "./external.ts";
import { requestHeaders } from "./headers.ts";
import { underPolicy } from "./under-policy.ts";

export interface Invoke {
  readonly id: string;
  readonly method: string;
  readonly verb: string;
  /** Without "?". */
  readonly query: string;
  readonly headers: HeaderList;
  readonly body?: PlainRequest["body"];
  /** Of the message that the body is, where a gRPC caller named it. */
  readonly dataTypeUrl?: string;
}
export interface InvokeDeps {
  readonly platform: Platform;
  /** An app that this runtime hosts. */
  find(app: AppRef): App | undefined;
}

/** Calls another app, an HTTPEndpoint or a URL, and gives back what it answered. */
export function createInvoke(deps: InvokeDeps): Operation<Invoke, PlainResponse> {
  return defineOperation("invoke.call", (call, input) => {
    const method = cleanMethod(input.method);
    if (method === undefined)
      throw invokeFailed(
        input.id,
        `method contains forbidden character: ${JSON.stringify(input.method)}`,
      );
    return underPolicy(call, { ...input, method }, (options) =>
      dispatch(deps, call, input, method, options),
    );
  });
}

function dispatch(
  deps: InvokeDeps,
  call: Call,
  input: Invoke,
  method: string,
  options: CallOptions,
): Promise<PlainResponse> {
  if (isUrl(input.id)) return external(deps, call, input, input.id, method, undefined, options);
  const endpoint = call.app.httpEndpoints.get(input.id);
  if (endpoint) {
    const through = (ready: HttpEndpoint): Promise<PlainResponse> =>
      external(deps, call, input, ready.baseUrl, method, ready, options);
    if (!endpoint.lookUp) return through(endpoint);
    return endpoint.lookUp().then(through, (reason: unknown) => {
      throw invokeFailed(input.id, messageOf(reason), reason);
    });
  }
  return toApp(deps, call, input, method, options);
}

async function toApp(
  deps: InvokeDeps,
  call: Call,
  input: Invoke,
  method: string,
  options: CallOptions,
): Promise<PlainResponse> {
  const callee = calleeOf(input.id, call.app);
  const near = deps.find(callee);
  const isFar =
    near?.isAvailable === false &&
    near !== call.app &&
    (await deps.platform.peers?.isElsewhere?.(callee)) === true;
  const hosted = isFar ? undefined : near;
  const channel = hosted
    ? hosted.channel
    : await deps.platform.peers?.find(callee, options, call.app);
  if (!channel)
    throw invokeFailed(
      input.id,
      hosted
        ? "cannot invoke local endpoint: app channel not initialized"
        : "no host found with the given ID",
    );
  if (hosted && hosted !== call.app)
    refuseAccess(
      hosted,
      { caller: workloadOf(call.app), operation: method, verb: input.verb },
      input.id,
    );
  // Over gRPC a caller may leave the verb out, which only an app that speaks gRPC can do without.
  if (input.verb === "" && !hosted?.connection?.protocol.startsWith("grpc"))
    throw invokeFailed(
      input.id,
      "rpc error: code = InvalidArgument desc = missing HTTP extension field",
    );
  const request = {
    method: input.verb,
    path: pathOf(method, input.query),
    headers: headersFor(call, input.headers, callee, hosted, deps.platform.host),
    ...(input.body === undefined ? {} : { body: input.body }),
    ...(input.dataTypeUrl === undefined ? {} : { dataTypeUrl: input.dataTypeUrl }),
  };
  const guard = hosted ? unguarded : retriesOf(deps, call, input);
  // A call to oneself stays inside the sidecar, and is one step.
  const other = hosted?.tracer && hosted !== call.app && maySpan(call.trace) ? hosted : undefined;
  const send = (limited: CallOptions): Promise<PlainResponse> =>
    other ? sendTraced(other, channel, method, request, limited) : channel.send(request, limited);
  const sent = (): Promise<PlainResponse> =>
    guard(send, options).catch((reason: unknown) => {
      const why = messageOf(reason);
      if (reason instanceof AccessDeniedError) throw denied(input.id, why);
      throw invokeFailed(input.id, hosted ? `error invoking app channel: ${why}` : why, reason);
    });
  // Awaited, which takes two turns of the queue fewer than a promise that is returned.
  return await (isMeasured(call.app, hosted)
    ? measuredInvocation(call.app, hosted, idsOf(call, input), sent)
    : sent());
}

/** False where it is settled that the trace has no spans. */
function maySpan(trace: TraceContext | undefined): boolean {
  return trace === undefined || isSampled(trace.traceparent);
}

function idsOf({ app }: Call, { id }: Invoke): InvocationIds {
  return { caller: app.appId, callee: id };
}

/** The check and the dispatch see the same method: it has been cleaned once, before both. */
function refuseAccess(callee: App, access: Access, id: string): void {
  const why = callee.accessControl?.refuse(access);
  if (why !== undefined) throw denied(id, why);
}
function denied(id: string, why: string): Error {
  return invokeError(
    "DENIED",
    `failed to invoke, id: ${id}, err: rpc error: code = PermissionDenied desc = ${why}`,
    { overGrpc: { message: why } },
  );
}

/** What Dapr does by itself where no policy names the app: only what was never sent is sent again. */
function retriesOf({ platform }: InvokeDeps, { app }: Call, { id, body }: Invoke): Guard {
  if (body instanceof ReadableStream || app.resiliency?.namesApp(calleeOf(id, app).appId))
    return unguarded;
  return app.resiliency
    ? app.resiliency.builtIn("DaprBuiltInServiceRetries")
    : builtInRetry("DaprBuiltInServiceRetries", platform);
}

const tracingHeaders: ReadonlySet<string> = new Set([
  "traceparent",
  "tracestate",
  "grpc-trace-bin",
]);
const nothing: ReadonlySet<string> = new Set();
const token: ReadonlySet<string> = new Set([tokenHeader]);
const tokenAndTracing: ReadonlySet<string> = new Set([...tracingHeaders, tokenHeader]);

/** The caller's API token never reaches another app (CVE-2024-35223). */
function dropped(
  call: Call,
  callee: { readonly appToken?: string | undefined } | undefined,
): ReadonlySet<string> {
  const secret = asksForToken(call.app) || callee?.appToken !== undefined;
  if (call.trace) return secret ? tokenAndTracing : tracingHeaders;
  return secret ? token : nothing;
}

function headersFor(
  call: Call,
  given: HeaderList,
  callee: AppRef,
  hosted: App | undefined,
  host: Platform["host"],
): string[] {
  const headers = requestHeaders(given, dropped(call, hosted));
  const { app, trace } = call;
  headers.push(
    "dapr-caller-app-id",
    app.appId,
    "dapr-callee-app-id",
    callee.appId,
    "dapr-caller-namespace",
    app.namespace || "default",
  );
  if (hosted?.appToken !== undefined) headers.push(tokenHeader, hosted.appToken);
  if (trace) {
    headers.push("traceparent", trace.traceparent);
    if (trace.tracestate !== "") headers.push("tracestate", trace.tracestate);
  }
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

function external(
  deps: InvokeDeps,
  call: Call,
  input: Invoke,
  base: string,
  method: string,
  endpoint: HttpEndpoint | undefined,
  options: CallOptions,
): Promise<PlainResponse> {
  const appToken = endpoint ? undefined : call.app.appToken;
  const headers = requestHeaders(input.headers, dropped(call, { appToken }));
  if (call.trace) {
    headers.push("traceparent", call.trace.traceparent);
    if (call.trace.tracestate !== "") headers.push("tracestate", call.trace.tracestate);
  }
  if (appToken !== undefined) headers.push(tokenHeader, appToken);
  if (endpoint) headers.push(...endpoint.headers);
  const root = base.replace(/\/+$/, "");
  const outside: AppChannel = {
    send: (request, options) =>
      sendExternal(
        endpoint?.fetch ?? deps.platform.fetch,
        `${root}${request.path}`,
        request,
        options,
      ),
  };
  const { appHttpPipeline, limits } = call.app;
  const channel = appHttpPipeline
    ? throughAppPipeline(outside, appHttpPipeline, limits.maxBodyBytes)
    : outside;
  const request = {
    method: input.verb,
    path: pathOf(method, input.query),
    headers,
    ...(input.body === undefined ? {} : { body: input.body }),
  };
  const sent = (): Promise<PlainResponse> =>
    channel.send(request, options).catch((reason: unknown) => {
      throw invokeFailed(input.id, messageOf(reason), reason);
    });
  return isMeasured(call.app, undefined)
    ? measuredInvocation(call.app, undefined, idsOf(call, input), sent)
    : sent();
}

function pathOf(method: string, query: string): string {
  const path = `/${encodePath(method)}`;
  return query === "" ? path : `${path}?${query}`;
}
function isUrl(id: string): boolean {
  return id.startsWith("http://") || id.startsWith("https://");
}

/** `appid` is of the caller's namespace, `appid.namespace` of another. */
export function calleeOf(id: string, caller: AppRef): AppRef {
  const dot = id.indexOf(".");
  if (dot === -1) return { namespace: caller.namespace, appId: id };
  if (id.indexOf(".", dot + 1) !== -1) throw invokeFailed(id, `invalid app id ${id}`);
  const namespace = id.slice(dot + 1);
  return {
    appId: id.slice(0, dot),
    namespace: namespace === (caller.namespace || "default") ? caller.namespace : namespace,
  };
}
