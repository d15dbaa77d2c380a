import { callerAppId, callerNamespace } from "#core/util/identity-headers.ts";
import {
  type ClientHttp2Stream,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  type ServerHttp2Stream,
} from "node:http2";
import { workloadOf } from "#core/access-control/check.ts";
import type { App } from "#core/kernel/app.ts";
import { ApiError, toApiError } from "#core/errors/api-error.ts";
import { messageOf } from "#core/errors/component-error.ts";
import { admit, type Admission } from "#core/gate/admit.ts";
import { checkBaggage } from "#core/wire/grpc/baggage.ts";
import { refusalOverGrpc } from "#core/wire/grpc/refusals.ts";
import { renderStatus } from "#core/wire/grpc/render-error.ts";
import { cleanMethod } from "#core/util/path.ts";
import { tokenHeader } from "#core/gate/token.ts";
import type { Workload } from "#core/identity/workload.ts";
import { turnedAway } from "#core/blocks/invoke/receive.ts";
import { calleeOf, hostedCallee, type Hosts } from "#core/blocks/invoke/route.ts";
import type { CallOptions } from "#core/ports/component.ts";
import type { AppRef } from "#core/ports/platform.ts";
import { noteError } from "#core/telemetry/error-codes.ts";
import { noWorkflowService } from "#core/errors/not-built.ts";
import { isTruthy } from "#core/util/truthy.ts";
import { cancelStream } from "../channel/http2-cancel.ts";
import type { Http2Pool } from "../channel/http2-pool.ts";
import { peerWorkload } from "../peers/peer-workload.ts";
import { calleeAppId, calleeNamespace } from "../peers/wire.ts";
import type { StreamOrigin } from "./caller.ts";
import { endWith, guardedCall } from "./guarded-call.ts";
import { observeDelivered, observeProxied } from "./observe-proxied.ts";
import { headersFor, localHeaders, retrace } from "./proxy-headers.ts";
import { calleeIdOf, failureOf, type Policy, policyFor, settled } from "./proxy-policy.ts";
import { code, refuse } from "./status.ts";
import { tunnel } from "./tunnel.ts";

/** Where calls to foreign services go. */
export interface ProxyRoutes extends Hosts {
  /** The gRPC server of a hosted app; `undefined` for one that speaks HTTP or has no port. */
  local(app: App): Http2Pool | undefined;
  /** The process that hosts an app, and what it wants to be told; rejects when nobody does. */
  remote?(to: AppRef, from: AppRef): Promise<Omit<Route, "id">>;
}

export interface Route {
  readonly id: string;
  readonly pool: Http2Pool;
  readonly headers: OutgoingHttpHeaders;
  /** Where this process hosts it. */
  readonly callee?: App;
  /** The address did not answer. */
  failed?(): void;
}

const unknown = (text: string): ApiError =>
  new ApiError("ERR_DIRECT_INVOKE", { http: 500, grpc: code.unknown }, text);

/** Takes a call to any service to the app named in its metadata, frame by frame, without decoding. */
export function createProxy(
  routes: ProxyRoutes,
): (caller: StreamOrigin, stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void {
  return (caller, stream, headers) => {
    const { app } = caller;
    if (app.telemetry.metrics || app.policies.apiLog) observeProxied(app, stream, headers);
    const path = headers[":path"] ?? "";
    const proceed = (admission: Admission): void => {
      if (typeof admission !== "function") {
        // Who was held back before it was refused may have left.
        if (!stream.destroyed) fail(stream, app, refusalOverGrpc(admission));
        return;
      }
      if (stream.destroyed) return admission();
      stream.once("close", admission);
      try {
        const policy = policyFor(app, caller, path);
        if (policy) return void forwardUnder(policy, routes, caller, stream, headers);
        const route = routeFor(routes, caller, path);
        // The common case, an app of this process over a connection that is there, takes no turn of the event loop.
        const upstream =
          route instanceof Promise
            ? undefined
            : route.pool.requestNow(headersFor(headers, caller, route, stream));
        if (!upstream) return void forward(route, caller, stream, headers);
        observeCallee(route as Route, app, stream, headers);
        tunnel(stream, upstream, app.limits.maxBodyBytes);
      } catch (reason) {
        fail(stream, app, reason);
      }
    };
    // A proxied call is a stream, whatever its service makes of it.
    const admitted = admit(caller, { bytes: 0, isStream: true });
    if (!(admitted instanceof Promise)) return proceed(admitted);
    admitted.then(proceed, (reason: unknown) => fail(stream, app, reason));
  };
}

/**
 * A call that says it is a stream (`dapr-stream`) is under the policy until it stands; any other to its end.
 * Dapr's distinction: nothing else tells a stream from a message.
 */
async function forwardUnder(
  { guard, repeats }: Policy,
  routes: ProxyRoutes,
  caller: StreamOrigin,
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
): Promise<void> {
  const { app } = caller;
  const maxMessageBytes = app.limits.maxBodyBytes;
  let own: OutgoingHttpHeaders | undefined;
  const open = async (): Promise<ClientHttp2Stream> => {
    const route = await settled(() => routeFor(routes, caller, headers[":path"] ?? ""));
    // One span for all tries: it ends with the caller's stream.
    if (!own) observeCallee(route, app, stream, headers);
    own = own ? { ...own, ...route.headers } : headersFor(headers, caller, route, stream);
    return connected(route, own);
  };
  const inTime = async ({ signal }: CallOptions): Promise<ClientHttp2Stream> => {
    const upstream = await open();
    if (signal.aborted) cancelStream(upstream);
    return upstream;
  };
  try {
    if (isTruthy(caller.header("dapr-stream") ?? ""))
      tunnel(stream, await guard(inTime, caller), maxMessageBytes);
    else await guardedCall({ guard, repeats, stream, maxMessageBytes, options: caller, open });
  } catch (reason) {
    fail(stream, app, failureOf(reason));
  }
}

/** A call to oneself is not a call between apps. */
function observeCallee(
  { callee }: Route,
  app: App,
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
): void {
  if (callee?.telemetry.metrics && callee !== app)
    observeDelivered(callee, app.appId, stream, headers);
}

function fail(stream: ServerHttp2Stream, app: App, reason: unknown): void {
  const error = toApiError(reason);
  noteError(app.telemetry, error);
  const status = renderStatus(error);
  if (!endWith(stream, status)) refuse(stream, status);
}

async function forward(
  routed: Route | Promise<Route>,
  caller: StreamOrigin,
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
): Promise<void> {
  try {
    const route = await routed;
    const upstream = await connected(route, headersFor(headers, caller, route, stream));
    observeCallee(route, caller.app, stream, headers);
    tunnel(stream, upstream, caller.app.limits.maxBodyBytes);
  } catch (reason) {
    fail(stream, caller.app, reason);
  }
}

function routeFor(routes: ProxyRoutes, caller: StreamOrigin, path: string): Route | Promise<Route> {
  const { app } = caller;
  checkBaggage(app.policies, caller);
  const id = calleeIdOf(caller);
  if (id === undefined)
    throw (
      noWorkflowService(app.telemetry, path) ??
      unknown(
        "failed to proxy request: required metadata dapr-callee-app-id or dapr-app-id not found",
      )
    );
  const callee = calleeOf(id, app);
  const reach = (hosted: App | undefined): Route | Promise<Route> =>
    hosted ? localRoute(routes, id, hosted, app, path) : remoteRoute(routes, id, callee, app);
  const hosted = hostedCallee(routes, callee, app);
  return hosted instanceof Promise ? hosted.then(reach) : reach(hosted);
}

function localRoute(routes: ProxyRoutes, id: string, hosted: App, app: App, path: string): Route {
  refuseAccess(hosted, workloadOf(app.identity), path);
  const pool = routes.local(hosted);
  if (!pool) throw unknown(`failed to invoke, id: ${id}, err: the app has no gRPC channel`);
  return { id, pool, headers: localHeaders(app, hosted), callee: hosted };
}

/** Dapr: proxied calls are judged also where an app calls itself. */
function refuseAccess(callee: App, caller: Workload | undefined, path: string): void {
  // A path that is not clean would be judged as another than the app's server sees.
  if (path !== `/${cleanMethod(path) ?? ""}`)
    throw new ApiError(
      "ERR_DIRECT_INVOKE",
      { http: 400, grpc: code.invalidArgument },
      "invalid method",
    );
  const why = turnedAway(callee, { caller, method: path, verb: "" });
  if (why !== undefined)
    throw new ApiError("ERR_DIRECT_INVOKE", { http: 403, grpc: code.permissionDenied }, why);
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

/** The last hop of a call that another process has taken: to the hosted app's own server. */
export async function deliver(
  pool: Http2Pool | undefined,
  callee: App,
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
): Promise<void> {
  try {
    const caller = peerWorkload(stream);
    refuseAccess(callee, caller, headers[":path"] ?? "");
    if (!pool) throw unknown("the app has no gRPC channel");
    const from = headers[callerAppId];
    observeDelivered(callee, typeof from === "string" ? from : "", stream, headers);
    const out: OutgoingHttpHeaders = {};
    for (const name in headers) if (!perHop.has(name)) out[name] = headers[name];
    Object.assign(out, localHeaders(undefined, callee));
    if (caller) {
      out[callerAppId] = caller.appId;
      out[callerNamespace] = caller.namespace;
    }
    if (callee.policies.tracer) retrace(out, callee, stream, headers[":path"] ?? "");
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
