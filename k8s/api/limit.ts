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
