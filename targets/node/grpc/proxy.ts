import type { IncomingHttpHeaders, OutgoingHttpHeaders, ServerHttp2Stream } from "node:http2";
import type { App } from "#core/app.ts";
import { ApiError, toApiError } from "#core/errors/api-error.ts";
import { messageOf } from "#core/errors/component-error.ts";
import { refuseToken } from "#core/grpc/access.ts";
import { renderStatus } from "#core/grpc/render-error.ts";
import { traceBin } from "#core/grpc/trace-bin.ts";
import { GrpcInput } from "#core/grpc/input.ts";
import { tokenHeader } from "#core/http/token.ts";
import { calleeOf } from "#core/invoke/operations.ts";
import { noMetadata } from "#core/ports/component.ts";
import type { AppRef } from "#core/ports/platform.ts";
import type { Http2Pool } from "../http2-pool.ts";
import { calleeAppId, calleeNamespace } from "../peers/wire.ts";
import { StreamCaller } from "./caller.ts";
import { code, refuse } from "./status.ts";
import { tunnel } from "./tunnel.ts";

/** Where calls to foreign services go. */
export interface ProxyRoutes {
  /** An app that this process hosts. */
  find(to: AppRef): App | undefined;
  /** The gRPC server of a hosted app; `undefined` for one that speaks HTTP or has no port. */
  local(app: App): Http2Pool | undefined;
  /** The process that hosts an app, and what it wants to be told; rejects when nobody does. */
  remote?(to: AppRef, from: AppRef): Promise<Omit<Route, "id">>;
}

const unknown = (text: string): ApiError =>
  new ApiError("ERR_DIRECT_INVOKE", { http: 500, grpc: code.unknown }, text);

/** Takes a call to any service to the app named in its metadata, frame by frame, without decoding. */
export function createProxy(
  routes: ProxyRoutes,
): (app: App, stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void {
  return (app, stream, headers) => {
    const caller = new StreamCaller(app, headers, stream);
    const admitted = refuseToken(caller);
    if (admitted) {
      const route = admitted.then(() => routeFor(routes, caller));
      return void forward(route, caller, stream, headers);
    }
    try {
      const route = routeFor(routes, caller);
      // The common case, an app of this process over a connection that is there, takes no turn of the event loop.
      const upstream =
        route instanceof Promise
          ? undefined
          : route.pool.requestNow(headersFor(headers, caller, route));
      if (upstream) tunnel(stream, upstream, app.limits.maxBodyBytes);
      else void forward(route, caller, stream, headers);
    } catch (reason) {
      refuse(stream, renderStatus(toApiError(reason)));
    }
  };
}

export interface Route {
  readonly id: string;
  readonly pool: Http2Pool;
  readonly headers: OutgoingHttpHeaders;
  /** The address did not answer. */
  failed?(): void;
}

async function forward(
  routed: Route | Promise<Route>,
  caller: StreamCaller,
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
): Promise<void> {
  try {
    const route = await routed;
    const upstream = await connected(route, headersFor(headers, caller, route));
    tunnel(stream, upstream, caller.app.limits.maxBodyBytes);
  } catch (reason) {
    refuse(stream, renderStatus(toApiError(reason)));
  }
}

function routeFor(routes: ProxyRoutes, caller: StreamCaller): Route | Promise<Route> {
  const { app } = caller;
  const id = caller.header("dapr-callee-app-id") ?? caller.header("dapr-app-id");
  if (id === undefined)
    throw unknown(
      "failed to proxy request: required metadata dapr-callee-app-id or dapr-app-id not found",
    );
  const callee = calleeOf(id, app);
  const hosted =
    callee.appId === app.appId && callee.namespace === app.namespace ? app : routes.find(callee);
  if (!hosted) return remoteRoute(routes, id, callee, app);
  const pool = routes.local(hosted);
  if (!pool) throw unknown(`failed to invoke, id: ${id}, err: the app has no gRPC channel`);
  return { id, pool, headers: localHeaders(app, hosted) };
}

async function remoteRoute(
  routes: ProxyRoutes,
  id: string,
  callee: AppRef,
  app: App,
): Promise<Route> {
  try {
    if (!routes.remote) throw new Error("no host found with the given ID");
    return { id, ...(await routes.remote(callee, app)) };
  } catch (reason) {
    throw unknown(`failed to invoke, id: ${id}, err: ${messageOf(reason)}`);
  }
}

async function connected({ pool, id, failed }: Route, headers: OutgoingHttpHeaders) {
  try {
    return await pool.request(headers);
  } catch (reason) {
    failed?.();
    throw new ApiError(
      "ERR_DIRECT_INVOKE",
      { http: 503, grpc: code.unavailable },
      `failed to invoke, id: ${id}, err: ${messageOf(reason)}`,
      { cause: reason },
    );
  }
}

/** At the last hop: who calls, and the app's own token. */
export function localHeaders(caller: AppRef | undefined, callee: App): OutgoingHttpHeaders {
  const out: OutgoingHttpHeaders = {};
  if (caller && caller !== callee) {
    out["dapr-caller-app-id"] = caller.appId;
    out["dapr-callee-app-id"] = callee.appId;
  }
  if (callee.appToken !== undefined) out[tokenHeader] = callee.appToken;
  return out;
}

/** The caller's metadata without what is meant for the runtime, and without what only the runtime may say. */
function headersFor(
  headers: IncomingHttpHeaders,
  caller: StreamCaller,
  route: Route,
): OutgoingHttpHeaders {
  const { trace } = new GrpcInput(caller, noMetadata);
  const out: OutgoingHttpHeaders = {};
  for (const name in headers) if (!ours.has(name)) out[name] = headers[name];
  if (trace) {
    out["traceparent"] = trace.traceparent;
    if (trace.tracestate !== "") out["tracestate"] = trace.tracestate;
    out["grpc-trace-bin"] = traceBin(trace.traceparent);
  }
  for (const name in route.headers) out[name] = route.headers[name];
  return out;
}
const ours: ReadonlySet<string> = new Set([
  ":authority",
  ":scheme",
  "host",
  "connection",
  "dapr-app-id",
  "dapr-caller-app-id",
  "dapr-callee-app-id",
  "dapr-caller-namespace",
  tokenHeader,
]);

/** The last hop of a call that another process has taken: to the hosted app's own server. */
export async function deliver(
  pool: Http2Pool | undefined,
  callee: App,
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
): Promise<void> {
  try {
    if (!pool) throw unknown("the app has no gRPC channel");
    const out: OutgoingHttpHeaders = {};
    for (const name in headers) if (!perHop.has(name)) out[name] = headers[name];
    Object.assign(out, localHeaders(undefined, callee));
    const upstream = await connected({ pool, id: callee.appId, headers: {} }, out);
    tunnel(stream, upstream, callee.limits.maxBodyBytes);
  } catch (reason) {
    refuse(stream, renderStatus(toApiError(reason)));
  }
}
const perHop: ReadonlySet<string> = new Set([
  ":authority",
  ":scheme",
  "host",
  tokenHeader,
  calleeAppId,
  calleeNamespace,
]);
