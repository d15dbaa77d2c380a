import type { Log } from "#core/ports/platform.ts";
import type { Pod } from "#k8s/api/objects.ts";
import type { ListWatchOptions } from "#k8s/api/list-watch.ts";
import { clock } from "#targets/node/clock.ts";

/** A log that keeps its lines: `warn: text`. */
export interface LogKeeper extends Log {
  readonly lines: string[];
}
export function logKeeper(): LogKeeper {
  const lines: string[] = [];
  const at = (level: string) => (message: string) => void lines.push(`${level}: ${message}`);
  return { lines, debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}

export function pod(
  name: string,
  more: Omit<Partial<Pod>, "metadata"> & { uid?: string } = {},
): Pod {
  const { uid, ...rest } = more;
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { namespace: "shop", name, ...(uid === undefined ? {} : { uid }) },
    ...rest,
  };
}

/** With pauses of a hundredth, so that tests need not wait. */
export function quick(
  log: Log,
  signal: AbortSignal,
): ListWatchOptions & { readonly pauses: number[] } {
  const pauses: number[] = [];
  return {
    log,
    signal,
    pauses,
    random: () => 0,
    clock: {
      ...clock,
      sleep: (ms, options) => {
        pauses.push(ms);
        return clock.sleep(ms / 100, options);
      },
    },
  };
}
