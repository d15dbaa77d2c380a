import type { AppChannel } from "#core/ports/platform.ts";
import type { AppMetrics } from "#core/telemetry/app-metrics.ts";
import type { AppReach } from "./app-link.ts";
import { httpChannelOf } from "./http-link.ts";
import type { Http2Pool } from "./http2-pool.ts";

/** The way to an app, as in app-link.ts. */
export interface AppLink {
  readonly channel: (AppChannel & Partial<AsyncDisposable>) | undefined;
  /** To the app's own gRPC server, where it is one. */
  readonly pool: Http2Pool | undefined;
}

/** Links to an app; what speaks HTTP/2 is loaded only for an app that does. */
export async function linkTo(app: AppReach, metrics: AppMetrics | undefined): Promise<AppLink> {
  if (app.appPort === undefined) return { channel: undefined, pool: undefined };
  if (app.appProtocol === "http" || app.appProtocol === "https")
    return { channel: httpChannelOf(app, app.appPort), pool: undefined };
  const { channelOf, poolOf } = await import("./app-link.ts");
  const pool = poolOf(app);
  return { channel: channelOf(app, pool, metrics), pool };
}
