import type { Clock } from "#core/ports/platform.ts";
import { createBackoff, type Pauses } from "./backoff.ts";

export interface KeepRunningOptions {
  readonly pauses: Pauses;
  readonly clock: Pick<Clock, "sleep">;
  readonly signal: AbortSignal;
  /** Hears each failure but those after the end. */
  failed(reason: unknown): void;
}

/**
 * Runs work that should go on for as long as it can: again at once when it has ended, and after a growing pause when it
 * has failed. Resolves once the signal has fired and the work has ended; it resolves early where the work returns "done".
 */
export async function keepRunning(
  work: () => Promise<"done" | void>,
  { pauses, clock, signal, failed }: KeepRunningOptions,
): Promise<void> {
  const backoff = createBackoff(pauses);
  while (!signal.aborted) {
    try {
      if ((await work()) === "done") return;
      backoff.reset();
    } catch (reason) {
      if (signal.aborted) return;
      failed(reason);
      await clock.sleep(backoff.next(), { signal }).catch(() => {});
    }
  }
}

/** Resolves once any of the signals has fired. */
export function anyFired(...signals: readonly AbortSignal[]): Promise<void> {
  const any = AbortSignal.any([...signals]);
  return new Promise((resolve) => {
    if (any.aborted) resolve();
    else any.addEventListener("abort", () => resolve(), { once: true });
  });
}
