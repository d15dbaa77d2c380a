import type { AppConnection } from "#core/app.ts";
import type { AppReach } from "./app-link.ts";

/** How the app is reached, as metadata reports it. Only for an app with a port. */
export function connectionOf(app: AppReach): AppConnection {
  return {
    port: app.appPort as number,
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

/** `5s`, `500ms`, `1m0s`: as Go prints a duration. */
function goDuration(ms: number): string {
  if (ms < 1000) return `${ms}ms`;
  const seconds = ms / 1000;
  if (seconds < 60) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  return minutes < 60
    ? `${minutes}m${seconds % 60}s`
    : `${Math.floor(minutes / 60)}h${minutes % 60}m${seconds % 60}s`;
}
