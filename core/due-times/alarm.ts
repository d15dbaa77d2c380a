import type { Clock } from "#core/ports/platform.ts";

/** A wait for a moment that may turn out to be earlier than it was thought to be, also before anyone waits. */
export interface Alarm {
  /** Something is to be done at that time; past times count as now. */
  at(ms: number): void;
  /** From here on, only what is set from now on counts. */
  clear(): void;
  /** Resolves at the time given, or at an earlier one that was set since the last `clear`; `Infinity` waits for one. */
  wait(until: number): Promise<void>;
}

export function createAlarm(clock: Pick<Clock, "now" | "after">): Alarm {
  let earliest = Infinity;
  let ring: (() => void) | undefined;
  let rearm: (() => void) | undefined;
  return {
    at: (ms) => {
      if (ms >= earliest) return;
      earliest = ms;
      rearm?.();
    },
    clear: () => {
      earliest = Infinity;
    },
    wait: (until) =>
      new Promise((resolve) => {
        let cancel: (() => void) | undefined;
        ring = () => {
          cancel?.();
          ring = rearm = undefined;
          resolve();
        };
        rearm = () => {
          cancel?.();
          const next = Math.min(until, earliest);
          if (next === Infinity) return;
          const ms = next - clock.now();
          if (ms <= 0) ring?.();
          else cancel = clock.after(ms, () => ring?.());
        };
        rearm();
      }),
  };
}
