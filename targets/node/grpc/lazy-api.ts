import type { App } from "#core/kernel/app.ts";
import { messageOf } from "#core/errors/component-error.ts";
import { loadOnce } from "../load-once.ts";
import { onFirstUse } from "../listen/on-first-use.ts";
import type { Http2Pool } from "../channel/http2-pool.ts";
import type { GrpcApi, GrpcApiOptions } from "./api.ts";
import type { ListenChoice } from "../listen/listening.ts";
import { type PortServer, servePort } from "../listen/serve-port.ts";

/** The gRPC side of a runtime, read from disk with the first call that needs it. */
export interface LazyGrpcApi extends Pick<GrpcApi, "deliver" | "route"> {
  /** Serves one app's gRPC port. Rejects when it is taken. */
  serve(app: App, where: Omit<ListenChoice, "open" | "log">): Promise<PortServer>;
}

export function lazyGrpcApi(options: GrpcApiOptions): LazyGrpcApi {
  const { log } = options;
  const pools = new WeakMap<App, Http2Pool>();
  const load = loadOnce(async () => (await import("./api.ts")).createGrpcApi(options, pools));
  const failed = (reason: unknown): void =>
    log.error(`Cannot load the gRPC API: ${messageOf(reason)}`);
  return {
    route: (app, pool) => void pools.set(app, pool),
    deliver: (stream, headers, callee) => {
      load().then(
        (api) => api.deliver(stream, headers, callee),
        (reason: unknown) => {
          failed(reason);
          stream.destroy();
        },
      );
    },
    serve: (app, where) =>
      servePort(
        onFirstUse(async () => (await load()).open(app, app.limits.maxBodyBytes), failed),
        { ...where, log },
      ),
  };
}
