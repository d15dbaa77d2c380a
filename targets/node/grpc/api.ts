import type { IncomingHttpHeaders, ServerHttp2Stream } from "node:http2";
import type { App } from "#core/app.ts";
import { cryptoGrpc } from "#core/crypto/grpc.ts";
import { grpcBlocks } from "#core/grpc/blocks.ts";
import { createGrpc, type GrpcSurface } from "#core/grpc/surface.ts";
import { invokeGrpc } from "#core/invoke/grpc.ts";
import type { Log } from "#core/ports/platform.ts";
import type { Runtime } from "#core/runtime.ts";
import { clock } from "../clock.ts";
import type { Http2Pool } from "../http2-pool.ts";
import { createProxy, deliver, type ProxyRoutes } from "./proxy.ts";
import type { AppFinder } from "../app-finder.ts";
import type { ListenChoice } from "../listening.ts";
import { createGrpcEndpoint, type GrpcEndpoint, type GrpcServer, serveGrpc } from "./server.ts";

export interface GrpcApi {
  readonly surface: GrpcSurface;
  /** Serves one app's gRPC port. */
  serve(app: App, options: GrpcPort): Promise<GrpcServer>;
  /** The same for connections that somebody else accepts, of whatever app they turn out to be. */
  open(who: AppFinder, maxMessageBytes: number): GrpcEndpoint;
  /** Tells where a hosted app's own gRPC server is, so that calls to its services reach it. */
  route(app: App, pool: Http2Pool): void;
  /** Takes a call to a hosted app that came in from another process. */
  deliver(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, callee: App): void;
}
export type GrpcPort = Omit<ListenChoice, "open" | "log">;

/** The gRPC side of a Node runtime: Dapr's service, and a proxy for all others. */
export function createGrpcApi(
  runtime: Runtime,
  log: Log,
  remote?: ProxyRoutes["remote"],
  isElsewhere?: ProxyRoutes["isElsewhere"],
): GrpcApi {
  const surface = createGrpc(
    runtime.run,
    [...grpcBlocks, invokeGrpc(runtime.invoke), cryptoGrpc(clock)],
    log,
  );
  const pools = new WeakMap<App, Http2Pool>();
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
    serve: (app, port) =>
      serveGrpc({
        ...port,
        log,
        who: app,
        surface,
        maxMessageBytes: app.limits.maxBodyBytes,
        proxy,
      }),
    open: (who, maxMessageBytes) => createGrpcEndpoint({ who, surface, maxMessageBytes, proxy }),
  };
}
