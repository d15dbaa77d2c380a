import type { AppConnection } from "#core/kernel/app.ts";
import type { AppChannel } from "#core/ports/platform.ts";
import type { AppMetrics } from "#core/telemetry/app-metrics.ts";
import { orAborted } from "#core/util/time-limit.ts";
import type { PodSettings } from "#k8s/pods/settings.ts";
import { connectionOf } from "#targets/node/channel/app-connection.ts";
import { type AppReach, channelOf, poolOf } from "#targets/node/channel/app-link.ts";
import type { Http2Pool } from "#targets/node/channel/http2-pool.ts";
import { maxHeaderBytes } from "./header-limit.ts";

/** The way to an app in a pod, which has an address only some time after its app is hosted. */
export interface PodLink extends AsyncDisposable {
  /** Absent: the app has no port. Calls wait for the address as long as their callers do. */
  readonly channel: AppChannel | undefined;
  readonly connection: AppConnection | undefined;
  readonly reach: AppReach;
  /** To the app's own gRPC server, once there is an address and where it is one. */
  readonly pool: Http2Pool | undefined;
  /** The pod has this address; another one if its sandbox had to be made anew. */
  connect(address: string): void;
}

export function linkToPod(settings: PodSettings, metrics: AppMetrics | undefined): PodLink {
  const { appPort, health } = settings;
  let address = "";
  let pool: Http2Pool | undefined;
  let made: ReturnType<typeof channelOf>;
  const connected = Promise.withResolvers<AppChannel>();
  // Without an app that is called nobody waits for it.
  connected.promise.catch(() => {});
  const reach: AppReach = {
    ...(appPort === undefined ? {} : { appPort }),
    ...(health ? { appHealth: health } : {}),
    appProtocol: settings.appProtocol,
    appMaxConcurrency: settings.appMaxConcurrency,
    maxBodyBytes: settings.maxBodyBytes,
    readBufferBytes: maxHeaderBytes,
    get appChannelAddress() {
      return address;
    },
  };
  return {
    reach,
    channel:
      appPort === undefined
        ? undefined
        : {
            send: (request, options) =>
              made ? made.send(request, options) : sendLater(connected.promise, request, options),
          },
    connection:
      appPort === undefined
        ? undefined
        : {
            ...connectionOf(reach),
            get channelAddress() {
              return address;
            },
          },
    get pool() {
      return pool;
    },
    connect: (to) => {
      if (address === to || appPort === undefined) return;
      const closeFormer = closing(made, pool);
      address = to;
      pool = poolOf(reach);
      made = channelOf(reach, pool, metrics);
      if (made) connected.resolve(made);
      closeFormer().catch(() => {});
    },
    [Symbol.asyncDispose]: async () => {
      connected.reject(new Error("the app's pod is gone"));
      await closing(made, pool)();
    },
  };
}

function closing(...all: ReadonlyArray<Partial<AsyncDisposable> | undefined>): () => Promise<void> {
  return async () => {
    for (const each of all) await each?.[Symbol.asyncDispose]?.();
  };
}

async function sendLater(
  connected: Promise<AppChannel>,
  ...[request, options]: Parameters<AppChannel["send"]>
): ReturnType<AppChannel["send"]> {
  const channel = await orAborted(connected, options);
  return channel.send(request, options);
}
