import type { Clock } from "#core/ports/platform.ts";

/** Waits for work, but not longer than that; says whether it is done. What the work rejects with comes through. */
export async function inTime(work: Promise<unknown>, ms: number, clock: Clock): Promise<boolean> {
  const done = new AbortController();
  const late = clock.sleep(ms, { signal: done.signal }).then(
    () => false,
    () => false,
  );
  try {
    return await Promise.race([work.then(() => true), late]);
  } finally {
    done.abort();
  }
}
