import { goDuration } from "#core/util/duration.ts";
import type { AppConnection } from "#core/kernel/app.ts";
import type { AppReach } from "./app-link.ts";

/** How the app is reached, as metadata reports it. Dapr: also for an app without a port. */
export function connectionOf(app: AppReach): AppConnection {
  return {
    ...(app.appPort === undefined ? {} : { port: app.appPort }),
    protocol: app.appProtocol,
    channelAddress: app.appChannelAddress,
    ...(app.appMaxConcurrency > 0 ? { maxConcurrency: app.appMaxConcurrency } : {}),
    ...(app.appHealth
      ? {
          health: {
            ...(app.appProtocol.startsWith("grpc") ? {} : { healthCheckPath: app.appHealth.path }),
            healthProbeInterval: goDuration(app.appHealth.intervalMs),
            healthProbeTimeout: goDuration(app.appHealth.timeoutMs),
            healthThreshold: app.appHealth.threshold,
          },
        }
      : {}),
  };
}
