/** A signal that fires with another one, or when the time is over. */
export interface Limit extends Disposable {
  readonly signal: AbortSignal;
  /** True when it was the time. */
  readonly isOver: boolean;
  /** No longer limited in time. */
  lift(): void;
}

export function limit(outer: AbortSignal | undefined, ms: number): Limit {
  const controller = new AbortController();
  let isOver = false;
  const stop = (): void => controller.abort(outer?.reason);
  const timer = setTimeout(() => {
    isOver = true;
    controller.abort();
  }, ms);
  if (outer?.aborted) stop();
  else outer?.addEventListener("abort", stop, { once: true });
  return {
    signal: controller.signal,
    get isOver() {
      return isOver;
    },
    lift: () => clearTimeout(timer),
    [Symbol.dispose]: () => {
      clearTimeout(timer);
      outer?.removeEventListener("abort", stop);
    },
  };
}

/** Rejects with the signal's reason when it fires first. */
export function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(signal.reason as Error);
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", stop));
  });
}
