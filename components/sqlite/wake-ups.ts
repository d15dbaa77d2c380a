import { watch } from "node:fs";
import type { DatabaseSync } from "node:sqlite";
import type { CallOptions } from "#core/ports/component.ts";
import type { Clock } from "#core/ports/platform.ts";
import { createBackoff, type Pauses } from "#core/util/backoff.ts";

/** Between looks where the system tells of writes: only for file systems on which it is silent about other machines or containers. */
const watchedMs = 1000;
/** Between looks where it does not, growing while nothing happens. */
const pauses: Pauses = { firstMs: 10, longestMs: 250 };

/** Runs `changed` after any other connection has committed, until the signal fires. Never rejects. */
export async function onCommit(
  db: DatabaseSync,
  path: string,
  changed: () => void,
  clock: Clock,
  { signal }: CallOptions,
): Promise<void> {
  const statement = db.prepare("PRAGMA data_version");
  const version = (): unknown => statement.get()?.["data_version"];
  let last = version();
  let looking = false;
  const look = (): boolean => {
    looking = false;
    if (signal.aborted) return false;
    let now: unknown;
    try {
      now = version();
    } catch {
      // Somebody holds the whole file for a moment; the next look sees what changed.
      return false;
    }
    if (now === last) return false;
    last = now;
    changed();
    return true;
  };
  const stop = watchFile(`${path}-wal`, () => {
    if (looking) return;
    looking = true;
    setImmediate(look);
  });
  try {
    const backoff = createBackoff(pauses);
    while (!signal.aborted) {
      await clock.sleep(stop ? watchedMs : backoff.next(), { signal });
      if (look()) backoff.reset();
    }
  } catch {
    // The signal.
  } finally {
    stop?.();
  }
}

/** `undefined` where the system cannot watch. */
function watchFile(path: string, written: () => void): (() => void) | undefined {
  try {
    const watcher = watch(path, { persistent: false }, written);
    watcher.on("error", () => watcher.close());
    return () => watcher.close();
  } catch {
    return undefined;
  }
}
