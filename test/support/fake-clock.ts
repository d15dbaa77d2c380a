import type { CallOptions } from "#core/ports/component.ts";
import type { Clock } from "#core/ports/platform.ts";

interface Sleeper {
  readonly due: number;
  wake(): void;
}

/** A clock that only moves when told to. */
export interface FakeClock extends Clock {
  /** Moves time on, waking each sleeper at its own moment, and lets what they do happen. */
  advance(ms: number): Promise<void>;
  /** How many sleep now. */
  readonly sleepers: number;
}

export function fakeClock(start: number = Date.UTC(2026, 0, 1)): FakeClock {
  let now = start;
  const sleepers = new Set<Sleeper>();
  return {
    now: () => now,
    monotonic: () => now,
    get sleepers() {
      return sleepers.size;
    },
    sleep: (ms: number, { signal }: CallOptions) =>
      new Promise<void>((resolve, reject) => {
        if (signal.aborted) {
          reject(signal.reason);
          return;
        }
        const stop = (): void => {
          sleepers.delete(sleeper);
          reject(signal.reason);
        };
        const sleeper: Sleeper = {
          due: now + ms,
          wake: () => {
            sleepers.delete(sleeper);
            signal.removeEventListener("abort", stop);
            resolve();
          },
        };
        sleepers.add(sleeper);
        signal.addEventListener("abort", stop, { once: true });
      }),
    after: (ms, run) => {
      const sleeper: Sleeper = {
        due: now + ms,
        wake: () => {
          sleepers.delete(sleeper);
          run();
        },
      };
      sleepers.add(sleeper);
      return () => void sleepers.delete(sleeper);
    },
    advance: async (ms) => {
      await settle();
      const end = now + ms;
      for (;;) {
        let next: Sleeper | undefined;
        for (const sleeper of sleepers)
          if (sleeper.due <= end && (next === undefined || sleeper.due < next.due)) next = sleeper;
        if (next === undefined) break;
        now = Math.max(now, next.due);
        next.wake();
        await settle();
      }
      now = end;
      await settle();
    },
  };
}

/** Lets everything run that can run without time passing. */
async function settle(): Promise<void> {
  for (let i = 0; i < 3; i++) await new Promise<void>((resolve) => setImmediate(resolve));
}
