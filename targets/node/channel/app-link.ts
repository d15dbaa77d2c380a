import { grpcAppChannel } from "#core/wire/grpc/app-channel/channel.ts";
import type { AppChannel } from "#core/ports/platform.ts";
import type { AppMetrics } from "#core/telemetry/app-metrics.ts";
import { measuredRpc } from "#core/wire/grpc/measured-rpc.ts";
import { httpChannelOf } from "./http-link.ts";
import { rpcChannel } from "../grpc/rpc-channel.ts";
import { h2cChannel } from "./h2c-channel.ts";
import { createHttp2Pool, type Http2Pool } from "./http2-pool.ts";
import type { NodeAppOptions } from "../options.ts";

/** Where an app listens, and how it is to be called. */
export type AppReach = Pick<
  NodeAppOptions,
  | "appPort"
  | "appProtocol"
  | "appChannelAddress"
  | "appMaxConcurrency"
  | "appHealth"
  | "maxBodyBytes"
  | "readBufferBytes"
>;

/** The way to an app: rpcs where it speaks gRPC, HTTP otherwise; `undefined` for one that only calls. */
export function channelOf(
  app: AppReach,
  pool: Http2Pool | undefined,
  metrics: AppMetrics | undefined,
): (AppChannel & Partial<AsyncDisposable>) | undefined {
  if (app.appPort === undefined) return undefined;
  const limits = { maxBodyBytes: app.maxBodyBytes };
  if (pool) {
    const rpcs = rpcChannel(pool, {
      maxMessageBytes: app.maxBodyBytes,
      maxConcurrency: app.appMaxConcurrency,
    });
    return grpcAppChannel(metrics ? measuredRpc(rpcs, metrics) : rpcs, limits);
  }
  if (app.appProtocol === "h2c")
    return h2cChannel({
      host: app.appChannelAddress,
      port: app.appPort,
      maxConcurrency: app.appMaxConcurrency,
      maxHeaderBytes: app.readBufferBytes,
    });
  return httpChannelOf(app, app.appPort);
}

/** The way of calls that are passed on as they are. */
export function poolOf(app: AppReach): Http2Pool | undefined {
  if (app.appPort === undefined || (app.appProtocol !== "grpc" && app.appProtocol !== "grpcs"))
    return undefined;
  const host = app.appChannelAddress.includes(":")
    ? `[${app.appChannelAddress}]`
    : app.appChannelAddress;
  return createHttp2Pool(
    app.appProtocol === "grpc"
      ? { authority: `http://${host}:${app.appPort}` }
      : { authority: `https://${host}:${app.appPort}`, tls: { rejectUnauthorized: false } },
  );
}
