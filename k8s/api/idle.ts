import type { Clock } from "#core/ports/platform.ts";

/** A signal that fires with another one, or when nothing was touched for too long. */
export interface IdleLimit extends Disposable {
  readonly signal: AbortSignal;
  /** True when it was idle. */
  readonly isOver: boolean;
  touch(): void;
}

export function limitIdle(clock: Clock, idleMs: number, outer: AbortSignal): IdleLimit {
  const controller = new AbortController();
  let touched = clock.now();
  let isOver = false;
  const stop = (): void => controller.abort(outer.reason);
  if (outer.aborted) stop();
  else outer.addEventListener("abort", stop, { once: true });
  // One timer that looks, and is not set anew by each event.
  const look = (): void => {
    const left = touched + idleMs - clock.now();
    if (left > 0) {
      cancel = clock.after(left, look);
      return;
    }
    isOver = true;
    controller.abort(new Error(`nothing came for ${idleMs} ms`));
  };
  let cancel = clock.after(idleMs, look);
  return {
    signal: controller.signal,
    get isOver() {
      return isOver;
    },
    touch: () => {
      touched = clock.now();
    },
    [Symbol.dispose]: () => {
      cancel();
      outer.removeEventListener("abort", stop);
    },
  };
}
