import type { App, HttpEndpoint } from "#core/app.ts";
import type { Call } from "#core/call.ts";
import { messageOf } from "#core/errors/component-error.ts";
import { cleanMethod, encodePath } from "#core/http/path.ts";
import { tokenHeader } from "#core/http/token.ts";
import { throughAppPipeline } from "#core/middleware/app-pipeline.ts";
import { defineOperation, type Operation } from "#core/operation.ts";
import type {
  AppChannel,
  AppRef,
  HeaderList,
  Platform,
  PlainRequest,
  PlainResponse,
} from "#core/ports/platform.ts";
import { invokeFailed } from "./errors.ts";
import { sendExternal } from "./external.ts";
import { requestHeaders } from "./headers.ts";

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
    if (isUrl(input.id)) return external(deps, call, input, input.id, method, undefined);
    const endpoint = call.app.httpEndpoints.get(input.id);
    if (endpoint) return external(deps, call, input, endpoint.baseUrl, method, endpoint);
    return toApp(deps, call, input, method);
  });
}

async function toApp(
  deps: InvokeDeps,
  call: Call,
  input: Invoke,
  method: string,
): Promise<PlainResponse> {
  const callee = calleeOf(input.id, call.app);
  const hosted = deps.find(callee);
  const channel = hosted ? hosted.channel : await deps.platform.peers?.find(callee, call);
  if (!channel)
    throw invokeFailed(
      input.id,
      hosted
        ? "cannot invoke local endpoint: app channel not initialized"
        : "no host found with the given ID",
    );
  // Over gRPC a caller may leave the verb out, which only an app that speaks gRPC can do without.
  if (input.verb === "" && !hosted?.connection?.protocol.startsWith("grpc"))
    throw invokeFailed(
      input.id,
      "rpc error: code = InvalidArgument desc = missing HTTP extension field",
    );
  return send(channel, call, input, hosted !== undefined, {
    method: input.verb,
    path: pathOf(method, input.query),
    headers: headersFor(call, input.headers, callee, hosted, deps.platform.host),
    ...(input.body === undefined ? {} : { body: input.body }),
    ...(input.dataTypeUrl === undefined ? {} : { dataTypeUrl: input.dataTypeUrl }),
  });
}

async function send(
  channel: AppChannel,
  call: Call,
  input: Invoke,
  isHosted: boolean,
  request: PlainRequest,
): Promise<PlainResponse> {
  try {
    return await channel.send(request, call);
  } catch (reason) {
    const why = messageOf(reason);
    throw invokeFailed(input.id, isHosted ? `error invoking app channel: ${why}` : why, reason);
  }
}

const tracingHeaders: ReadonlySet<string> = new Set(["traceparent", "tracestate"]);
const nothing: ReadonlySet<string> = new Set();
const token: ReadonlySet<string> = new Set([tokenHeader]);
const tokenAndTracing: ReadonlySet<string> = new Set([...tracingHeaders, tokenHeader]);

/** The caller's API token never reaches another app (CVE-2024-35223). */
function dropped(
  call: Call,
  callee: { readonly appToken?: string | undefined } | undefined,
): ReadonlySet<string> {
  const secret = call.app.apiTokens.length > 0 || callee?.appToken !== undefined;
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
): Promise<PlainResponse> {
  const appToken = endpoint ? undefined : call.app.appToken;
  const headers = requestHeaders(input.headers, dropped(call, { appToken }));
  if (call.trace) headers.push("traceparent", call.trace.traceparent);
  if (appToken !== undefined) headers.push(tokenHeader, appToken);
  if (endpoint) headers.push(...endpoint.headers);
  const root = base.replace(/\/+$/, "");
  const outside: AppChannel = {
    send: (request, options) =>
      sendExternal(deps.platform.fetch, `${root}${request.path}`, request, options),
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
  return channel.send(request, call).catch((reason: unknown) => {
    throw invokeFailed(input.id, messageOf(reason), reason);
  });
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
