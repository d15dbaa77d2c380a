import type { CallOptions } from "#core/ports/component.ts";

/** Waits for the work until the signal fires, then rejects with its reason. The work itself goes on. */
export function orAborted<T>(work: Promise<T>, { signal }: CallOptions): Promise<T> {
  return new Promise((resolve, reject) => {
    const leave = (): void => reject(signal.reason as Error);
    if (signal.aborted) leave();
    signal.addEventListener("abort", leave, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", leave));
  });
}
