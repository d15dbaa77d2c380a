import type { CallOptions } from "#core/ports/component.ts";

/** At most so many at a time; the others wait in the order they came. */
export interface Semaphore {
  /** Resolves with what gives the slot back (once); rejects when the signal fires while waiting. */
  take(options: CallOptions): Promise<() => void>;
}

export function createSemaphore(limit: number): Semaphore {
  let free = limit;
  const waiting: Array<() => void> = [];
  function releaser(): () => void {
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      const next = waiting.shift();
      if (next) next();
      else free++;
    };
  }
  return {
    take: ({ signal }) => {
      if (free > 0) {
        free--;
        return Promise.resolve(releaser());
      }
      return new Promise((resolve, reject) => {
        const next = (): void => {
          signal.removeEventListener("abort", leave);
          resolve(releaser());
        };
        const leave = (): void => {
          waiting.splice(waiting.indexOf(next), 1);
          reject(signal.reason as Error);
        };
        waiting.push(next);
        signal.addEventListener("abort", leave, { once: true });
      });
    },
  };
}
