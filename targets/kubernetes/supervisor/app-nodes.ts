import type { AppRef, Clock, Log } from "#core/ports/platform.ts";
import { within } from "#core/util/time-limit.ts";
import type { KubeClient } from "#k8s/api/client.ts";
import { type ListWatch, listWatch } from "#k8s/api/list-watch.ts";
import type { Pod } from "#k8s/api/objects.ts";
import { addressOf } from "#targets/node/listen/plain-address.ts";
import { seePod } from "./pod-record.ts";

/** Where in the cluster an app runs. */
export interface AppNodes extends Disposable {
  /**
   * Addresses of the nodes with pods of the app that can be called, and of its pods that have runtimes of their own
   * (with a port, where that is not the nodes'); ready ones only where there are some. Followed from then on.
   */
  find(app: AppRef): Promise<readonly string[]>;
}
export interface AppNodesDeps {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly log: Log;
  /** Of node runtimes. */
  readonly internalPort: number;
  /** Where the runtime listens that hosts a namespace's pods, wherever they run; `undefined`: on their nodes. */
  hostOf?(namespace: string): string | undefined;
  /** The nodes of an app that was asked for have changed. */
  changed(app: AppRef, hosts: readonly string[]): void;
  /** It is not followed any more. */
  forgotten(app: AppRef): void;
}

interface Place {
  readonly host: string;
  readonly isReady: boolean;
}
interface Followed {
  readonly app: AppRef;
  readonly watch: ListWatch<Place>;
  readonly stop: AbortController;
  /** Those who know of it, where it has changed. */
  tell(): void;
  at: number;
  /** `undefined`: nobody knows anything yet. */
  told: string | undefined;
  isListed: boolean;
}

/** An app that nobody has asked for is followed no more after this; asking again, which who calls it does, starts anew. */
const followMs = 30 * 60_000;
const mostFollowed = 2000;
/** Of apps that are nowhere: who calls names that he makes up must not fill the API server with watches. */
const mostInVain = 100;
const findMs = 5000;

/** Only apps that are called from here are looked for, by the label of their pods: each a small watch of its own. */
export function createAppNodes(deps: AppNodesDeps): AppNodes {
  const { client, clock, log, changed, forgotten, internalPort } = deps;
  const apps = new Map<string, Followed>();
  const hostsOf = (watch: ListWatch<Place>): readonly string[] => {
    const places = [...watch.items.values()];
    const ready = places.filter(({ isReady }) => isReady);
    return [...new Set((ready.length > 0 ? ready : places).map(({ host }) => host))].sort();
  };
  /** Those that were asked for longest ago come first. */
  function forget(): void {
    let inVain = [...apps.values()].filter(isInVain).length;
    for (const [key, followed] of apps) {
      const isTooMuch = inVain > mostInVain && isInVain(followed);
      if (clock.now() - followed.at <= followMs && apps.size <= mostFollowed && !isTooMuch)
        continue;
      if (isInVain(followed)) inVain--;
      apps.delete(key);
      followed.stop.abort();
      forgotten(followed.app);
    }
  }
  const isInVain = ({ watch, isListed }: Followed): boolean => isListed && watch.items.size === 0;
  function follow(app: AppRef, key: string): Followed {
    const stop = new AbortController();
    const tell = (): void => {
      const hosts = hostsOf(followed.watch);
      const text = hosts.join();
      if (text === followed.told || apps.get(key) !== followed) return;
      followed.told = text;
      changed(app, hosts);
    };
    const later = (): void => void setImmediate(tell);
    const watch = listWatch<Pod, Place>(
      client,
      {
        path: `/api/v1/namespaces/${encodeURIComponent(app.namespace)}/pods`,
        labelSelector: `outrigger.dev/app-id=${app.appId}`,
        keep: (pod) => placeOf(pod, app.appId, internalPort, deps.hostOf?.(app.namespace)),
      },
      { put: later, remove: later },
      { log, clock, signal: stop.signal },
    );
    const followed: Followed = {
      app,
      watch,
      stop,
      tell,
      at: clock.now(),
      told: undefined,
      isListed: false,
    };
    watch.synced.then(
      () => (followed.isListed = true),
      () => {},
    );
    return followed;
  }
  return {
    find: async (app) => {
      const key = JSON.stringify([app.namespace, app.appId]);
      let followed = apps.get(key);
      if (!followed) {
        forget();
        followed = follow(app, key);
      }
      followed.at = clock.now();
      apps.delete(key);
      apps.set(key, followed);
      const { synced } = followed.watch;
      const late = (): Error =>
        new Error("the API server did not report in time where the app runs");
      await within(clock, findMs, {}, () => synced, late);
      const hosts = hostsOf(followed.watch);
      // Who asks is not the only one who is to know.
      if (followed.told === undefined) followed.told = hosts.join();
      else followed.tell();
      return hosts;
    },
    [Symbol.dispose]: () => {
      for (const { stop } of apps.values()) stop.abort();
      apps.clear();
    },
  };
}

function placeOf(
  pod: Pod,
  appId: string,
  internalPort: number,
  runtime: string | undefined,
): Place | undefined {
  const seen = seePod(pod);
  const host = runtime ?? pod.status?.hostIP;
  if (seen?.record) {
    const { isEnding, isReady, settings } = seen.record;
    return isEnding || host === undefined || settings.appId !== appId
      ? undefined
      : { host, isReady };
  }
  const { sidecar } = seen ?? {};
  const [ip] = sidecar?.ips ?? [];
  if (!sidecar || sidecar.isEnding || ip === undefined || sidecar.appId !== appId) return undefined;
  const isUsual = sidecar.internalPort === internalPort;
  return { host: isUsual ? ip : addressOf(ip, sidecar.internalPort), isReady: sidecar.isReady };
}
