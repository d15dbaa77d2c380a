import { messageOf } from "#core/errors/component-error.ts";
import type { CallOptions } from "#core/ports/component.ts";
import type { Clock, Log } from "#core/ports/platform.ts";
import type { KeyListener } from "./keyspace.ts";

export interface ChangeReportsOptions {
  /** Keys that are watched by name, with their values as they are now. */
  readonly known: ReadonlyMap<string, string | undefined>;
  /** The value as it is now. */
  read(key: string, options: CallOptions): Promise<string | undefined>;
  report(key: string, value: string | undefined): Promise<void>;
  readonly clock: Clock;
  readonly log: Log;
  /** The component, for log lines. */
  readonly component: string;
}

/** Reports at the same time, of different keys. */
const concurrency = 10;
/** Keys that may wait to be reported. */
const longestQueue = 10_000;
const retryMs = 1000;

/**
 * Turns what the server tells into reports of values. A key is reported by one at a time; what changes meanwhile
 * is reported once more, so that the last value always comes and no queue grows with the number of changes.
 */
export function changeReports(
  { known, read, report, clock, log, component }: ChangeReportsOptions,
  { signal }: CallOptions,
): KeyListener {
  /** By key, oldest first: whether it is to be reported even if its value is the known one. */
  const waiting = new Map<string, boolean>();
  const busy = new Set<string>();
  const last = new Map(known);
  let overflowing = false;

  function put(key: string, always: boolean): void {
    if (waiting.size >= longestQueue && !waiting.has(key)) {
      if (!overflowing)
        log.warn(`More than ${longestQueue} changed keys wait for the app; others are left out`, {
          component,
        });
      overflowing = true;
      return;
    }
    waiting.set(key, always || waiting.get(key) === true);
    pump();
  }
  function pump(): void {
    for (const [key, always] of waiting) {
      if (signal.aborted || busy.size >= concurrency) return;
      if (busy.has(key)) continue;
      waiting.delete(key);
      overflowing = false;
      void run(key, always);
    }
  }
  async function run(key: string, always: boolean): Promise<void> {
    busy.add(key);
    try {
      const value = await read(key, { signal });
      if (always || !last.has(key) || last.get(key) !== value) {
        if (last.has(key)) last.set(key, value);
        await report(key, value);
      }
    } catch (reason) {
      if (!signal.aborted) {
        log.warn(`Cannot read key ${key}, which has changed: ${messageOf(reason)}`, { component });
        await clock.sleep(retryMs, { signal }).catch(() => {});
        if (!signal.aborted) waiting.set(key, always || waiting.get(key) === true);
      }
    } finally {
      busy.delete(key);
      pump();
    }
  }
  return {
    changed: (key) => put(key, true),
    resumed: () => {
      for (const key of last.keys()) put(key, false);
    },
  };
}
