import type { IncomingHttpHeaders, ServerHttp2Stream } from "node:http2";
import type { App } from "#core/kernel/app.ts";
import { grpcBlocks } from "#core/hosting/grpc-blocks.gen.ts";
import { createGrpc, type GrpcSurface } from "#core/wire/grpc/surface.ts";
import type { Log } from "#core/ports/platform.ts";
import type { Runtime } from "#core/hosting/runtime.ts";
import type { Http2Pool } from "../channel/http2-pool.ts";
import { createProxy, deliver, type ProxyRoutes } from "./proxy.ts";
import type { AppFinder } from "../listen/app-finder.ts";
import type { Endpoint } from "../listen/on-first-use.ts";
import { createGrpcEndpoint } from "./server.ts";

export interface GrpcApi {
  readonly surface: GrpcSurface;
  /** Serves connections that somebody else accepts: one app's, or of the app that each call turns out to be of. */
  open(who: App | AppFinder, maxMessageBytes: number): Endpoint;
  /** Tells where a hosted app's own gRPC server is, so that calls to its services reach it. */
  route(app: App, pool: Http2Pool): void;
  /** Takes a call to a hosted app that came in from another process. */
  deliver(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, callee: App): void;
}
export interface GrpcApiOptions extends Pick<ProxyRoutes, "remote" | "isElsewhere"> {
  readonly runtime: Runtime;
  readonly log: Log;
}

/** The gRPC side of a Node runtime: Dapr's service, and a proxy for all others; `pools` leads to the servers of hosted apps that are known already. */
export function createGrpcApi(
  { runtime, log, remote, isElsewhere }: GrpcApiOptions,
  pools: WeakMap<App, Http2Pool> = new WeakMap<App, Http2Pool>(),
): GrpcApi {
  const surface = createGrpc(
    runtime.run,
    grpcBlocks.map((bind) => (routes) => bind(routes, runtime.services)),
    log,
  );
  const proxy = createProxy({
    find: runtime.find,
    local: (app) => pools.get(app),
    ...(remote ? { remote } : {}),
    ...(isElsewhere ? { isElsewhere } : {}),
  });
  return {
    surface,
    route: (app, pool) => void pools.set(app, pool),
    deliver: (stream, headers, callee) => void deliver(pools.get(callee), callee, stream, headers),
    open: (who, maxMessageBytes) => createGrpcEndpoint({ who, surface, maxMessageBytes, proxy }),
  };
}
