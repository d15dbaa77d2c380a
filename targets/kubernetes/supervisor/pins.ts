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
  /** The version that was told last, of those that are pinned. */
  const told = new Map<string, string>();
  const watch = listWatch<KubeObject, Pin & { readonly namespace: string }>(
    client,
    {
      path: "/api/v1/namespaces",
      keep: ({ metadata: { name, annotations = {} } }) => {
        const version = annotations[pinAnnotations.version];
        if (name === undefined || version === undefined || version === "") return undefined;
        const text = annotations[pinAnnotations.until];
        const until = text === undefined ? Number.POSITIVE_INFINITY : timeOf(text);
        if (!Number.isNaN(until)) return { namespace: name, version, until };
        // Until when is somebody's mistake; a pin that nobody ends would be a worse one.
        log.error(
          `${pinAnnotations.until} of namespace ${name} is not a time: "${text}"; the pin is ignored`,
        );
        return undefined;
      },
    },
    {
      // Namespaces change for many reasons; a process goes for one of them only.
      put: (pin) => {
        plan(pin);
        tell(pin.namespace, versionOf(pin));
      },
      remove: ({ namespace }) => {
        cancel(namespace);
        tell(namespace, "");
      },
    },
    { log, clock, signal },
  );
  function versionOf(pin: Pin | undefined): string {
    return pin && clock.now() < pin.until ? pin.version : "";
  }
  /** Not from what it was before: its end may have come since, and its timer not yet. */
  function tell(namespace: string, version: string): void {
    if ((told.get(namespace) ?? "") === version) return;
    if (version === "") told.delete(namespace);
    else told.set(namespace, version);
    changed(namespace);
  }
  function cancel(namespace: string): void {
    timers.get(namespace)?.();
    timers.delete(namespace);
  }
  function plan(pin: Pin & { readonly namespace: string }): void {
    const { namespace, until } = pin;
    cancel(namespace);
    const ms = until - clock.now();
    if (ms <= 0 || until === Number.POSITIVE_INFINITY) return;
    const due = (): void => (clock.now() < until ? plan(pin) : tell(namespace, ""));
    timers.set(namespace, clock.after(Math.min(ms, longestTimerMs), due));
  }
  signal.addEventListener("abort", () => {
    for (const namespace of timers.keys()) cancel(namespace);
  });
  return {
    of: (namespace) => versionOf(watch.items.get(namespace)),
    synced: watch.synced,
  };
}

/** RFC 3339, which says where it is that late; NaN for anything else. */
function timeOf(text: string): number {
  const isTime = /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)$/.test(text);
  return isTime ? Date.parse(text.toUpperCase()) : Number.NaN;
}
