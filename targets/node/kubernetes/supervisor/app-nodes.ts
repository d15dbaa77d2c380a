import { setTimeout as delay } from "node:timers/promises";
import type { AppRef, Clock, Log } from "#core/ports/platform.ts";
import type { KubeClient } from "#k8s/api/client.ts";
import { type ListWatch, listWatch } from "#k8s/api/list-watch.ts";
import type { Pod } from "#k8s/api/objects.ts";
import { seePod } from "./pod-record.ts";

/** Where in the cluster an app runs. */
export interface AppNodes extends Disposable {
  /** Addresses of the nodes with pods of the app that can be called, ready ones only where there are some. Followed from then on. */
  find(app: AppRef): Promise<readonly string[]>;
}
export interface AppNodesDeps {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly log: Log;
  /** The nodes of an app that was asked for have changed. */
  changed(app: AppRef, hosts: readonly string[]): void;
}

interface Place {
  readonly host: string;
  readonly isReady: boolean;
}
interface Followed {
  readonly watch: ListWatch<Place>;
  readonly stop: AbortController;
  at: number;
  told: string;
}

/** An app that nobody has asked for is followed no more after this; asking again starts anew. */
const followMs = 30 * 60_000;
const mostFollowed = 2000;
const findMs = 5000;

/** Only apps that are called from here are looked for, by the label of their pods: each a small watch of its own. */
export function createAppNodes({ client, clock, log, changed }: AppNodesDeps): AppNodes {
  const apps = new Map<string, Followed>();
  const hostsOf = (watch: ListWatch<Place>): readonly string[] => {
    const places = [...watch.items.values()];
    const ready = places.filter(({ isReady }) => isReady);
    return [...new Set((ready.length > 0 ? ready : places).map(({ host }) => host))].sort();
  };
  function forget(): void {
    for (const [key, followed] of apps)
      if (clock.now() - followed.at > followMs || apps.size > mostFollowed) {
        apps.delete(key);
        followed.stop.abort();
      }
  }
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
        keep: (pod) => {
          const record = seePod(pod)?.record;
          const host = pod.status?.hostIP;
          if (
            !record ||
            record.isEnding ||
            host === undefined ||
            record.settings.appId !== app.appId
          )
            return undefined;
          return { host, isReady: record.isReady };
        },
      },
      { put: later, remove: later },
      { log, clock, signal: stop.signal },
    );
    const followed: Followed = { watch, stop, at: clock.now(), told: "" };
    return followed;
  }
  return {
    find: async (app) => {
      const key = JSON.stringify([app.namespace, app.appId]);
      let followed = apps.get(key);
      if (!followed) {
        forget();
        apps.set(key, (followed = follow(app, key)));
      }
      followed.at = clock.now();
      const late = new AbortController();
      try {
        await Promise.race([
          followed.watch.synced,
          delay(findMs, undefined, { signal: late.signal }).then(() => {
            throw new Error("the API server did not say in time where the app runs");
          }),
        ]);
      } finally {
        late.abort();
      }
      const hosts = hostsOf(followed.watch);
      followed.told = hosts.join();
      return hosts;
    },
    [Symbol.dispose]: () => {
      for (const { stop } of apps.values()) stop.abort();
      apps.clear();
    },
  };
}
