import type { AppOptions } from "./app-options.ts";
import { throughAppPipeline } from "#core/middleware/app-pipeline.ts";
import type { Pipeline } from "#core/middleware/pipeline.ts";
import type { AppChannel } from "#core/ports/platform.ts";
import { measuredChannel } from "#core/telemetry/http-client.ts";

/** The way to an app, measured where it is HTTP; one that speaks gRPC is measured where its rpcs are made. */
export function observedChannel({
  channel,
  connection,
  metrics,
}: AppOptions): AppChannel | undefined {
  return channel && metrics && !connection?.protocol.startsWith("grpc")
    ? measuredChannel(channel, metrics)
    : channel;
}

/** Dapr: middleware is for HTTP; an app that speaks gRPC is called without. */
export function behindPipeline(
  channel: AppChannel | undefined,
  { connection, limits }: AppOptions,
  pipeline: Pipeline | undefined,
): AppChannel | undefined {
  return channel && pipeline && !connection?.protocol.startsWith("grpc")
    ? throughAppPipeline(channel, pipeline, limits.maxBodyBytes)
    : channel;
}
