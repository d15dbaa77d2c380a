import type { AppOptions } from "./app-options.ts";
import { throughAppPipeline } from "./middleware/app-pipeline.ts";
import type { Pipeline } from "./middleware/pipeline.ts";
import type { App } from "./app.ts";
import type { AppChannel, Log } from "./ports/platform.ts";
import { createApiLog } from "./telemetry/api-log.ts";
import { measuredChannel } from "./telemetry/http-client.ts";

/** What is measured and logged of an app. */
export function observersOf(
  { appId, configuration, apiLogging, meter, metrics }: AppOptions,
  log: Log,
): Pick<App, "meter" | "metrics" | "apiLog"> {
  const settings = configuration.apiLogging;
  const apiLog = createApiLog({ appId, settings, flag: apiLogging, log });
  return { meter, metrics, apiLog };
}

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
