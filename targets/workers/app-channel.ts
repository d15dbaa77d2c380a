import type { AppChannel, PeerChannel } from "#core/ports/platform.ts";
import { fetchChannel } from "#targets/_shared/fetch-channel.ts";
import type { Settings } from "#targets/_shared/settings.ts";
import { type ServiceBinding, serviceBinding, type WorkerEnv } from "./env.ts";

/** The app: service binding `APP`, else the address in `APP_URL`; `undefined` for one that only calls. */
export function appChannel(env: WorkerEnv, settings: Settings): AppChannel | undefined {
  const service = serviceBinding(env, "APP");
  if (service) return serviceChannel(service, settings.appId);
  if (settings.appUrl === undefined) return undefined;
  return fetchChannel({
    base: settings.appUrl,
    fetch: (url, init) => fetch(url, ownBody(init)),
    encodesAgain: true,
  });
}

/** Other apps of the namespace, each behind the service binding `APP_<ID>`: its id in upper case, "_" for other characters. */
export function peerChannel(env: WorkerEnv, settings: Settings): PeerChannel {
  return {
    find: async ({ namespace, appId }) => {
      if (namespace !== settings.namespace) return undefined;
      const service = serviceBinding(env, `APP_${appId.toUpperCase().replace(/[^A-Z0-9]/g, "_")}`);
      return service && serviceChannel(service, appId);
    },
  };
}

function serviceChannel(service: ServiceBinding, appId: string): AppChannel {
  return fetchChannel({
    base: `https://${encodeURIComponent(appId)}`,
    fetch: (url, init) => service.fetch(url, ownBody(init)),
    encodesAgain: true,
  });
}

/** `wrangler dev` drains each request's body itself, and fails when that very stream goes on to another Worker. */
function ownBody(init: RequestInit): RequestInit {
  return init.body instanceof ReadableStream
    ? { ...init, body: init.body.pipeThrough(new TransformStream()) }
    : init;
}
