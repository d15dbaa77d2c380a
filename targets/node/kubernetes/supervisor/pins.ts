import type { Clock, Log } from "#core/ports/platform.ts";
import type { KubeClient } from "#k8s/api/client.ts";
import { listWatch } from "#k8s/api/list-watch.ts";
import type { KubeObject } from "#k8s/api/objects.ts";

/** Namespaces that stay on an older version for a while. */
export interface Pins {
  /** The version that a namespace is pinned to now; empty: the present one. */
  of(namespace: string): string;
  /** Namespaces are known; what starts before would start as the wrong version. */
  readonly synced: Promise<void>;
}
/** On a Namespace: the version, and until when at the latest (RFC 3339; absent: for as long as it stands there). */
export const pinAnnotations = {
  version: "outrigger.dev/version-pin",
  until: "outrigger.dev/version-pin-until",
} as const;

export const noPins: Pins = { of: () => "", synced: Promise.resolve() };

interface Pin {
  readonly version: string;
  readonly until: number;
}
const longestTimerMs = 2 ** 31 - 1;

/** `changed` is called for a namespace whose version is another one now, also when its time is over. */
export function watchPins(
  client: KubeClient,
  changed: (namespace: string) => void,
  deps: { readonly log: Log; readonly clock: Clock; readonly signal: AbortSignal },
): Pins {
  const { log, clock, signal } = deps;
  const timers = new Map<string, () => void>();
  const watch = listWatch<KubeObject, Pin & { readonly namespace: string }>(
    client,
    {
      path: "/api/v1/namespaces",
      keep: ({ metadata: { name, annotations = {} } }) => {
        const version = annotations[pinAnnotations.version];
        if (name === undefined || version === undefined || version === "") return undefined;
        const text = annotations[pinAnnotations.until];
        const until = text === undefined ? Number.POSITIVE_INFINITY : Date.parse(text);
        if (!Number.isNaN(until)) return { namespace: name, version, until };
        // Until when is somebody's mistake; a pin that nobody ends would be a worse one.
        log.error(
          `${pinAnnotations.until} of namespace ${name} is no time: "${text}"; the pin does not count`,
        );
        return undefined;
      },
    },
    {
      put: (pin) => {
        plan(pin);
        changed(pin.namespace);
      },
      remove: ({ namespace }) => {
        timers.get(namespace)?.();
        timers.delete(namespace);
        changed(namespace);
      },
    },
    { log, clock, signal },
  );
  function plan({ namespace, until }: Pin & { readonly namespace: string }): void {
    timers.get(namespace)?.();
    timers.delete(namespace);
    const ms = until - clock.now();
    if (ms <= 0 || ms > longestTimerMs) return;
    timers.set(
      namespace,
      clock.after(ms, () => changed(namespace)),
    );
  }
  return {
    of: (namespace) => {
      const pin = watch.items.get(namespace);
      return pin && clock.now() < pin.until ? pin.version : "";
    },
    synced: watch.synced,
  };
}
