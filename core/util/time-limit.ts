import type { CallOptions } from "#core/ports/component.ts";
import type { Clock } from "#core/ports/platform.ts";

type Timer = Pick<Clock, "after">;

/**
 * Runs for at most `ms`; then fires the signal that the work was given, and rejects with the error of `late`. Where the
 * outer signal fires first, rejects with its reason.
 */
export async function within<T>(
  clock: Timer,
  ms: number,
  { signal }: Partial<CallOptions>,
  run: (options: CallOptions) => Promise<T>,
  late: () => Error = () => new Error(`No answer within ${ms} ms`),
): Promise<T> {
  const over = new AbortController();
  const both = { signal: signal ? AbortSignal.any([signal, over.signal]) : over.signal };
  const cancel = clock.after(ms, () => over.abort(late()));
  try {
    return await orAborted(run(both), both);
  } finally {
    cancel();
  }
}

/**
 * Waits for work for at most `ms`, and says whether it has ended, be it with a failure: that is for those who look at the
 * work itself, which goes on. 0 means that there is no limit. Where the signal fires first, the answer is false.
 */
export async function endsWithin(
  clock: Timer,
  ms: number,
  work: Promise<unknown>,
  { signal }: Partial<CallOptions> = {},
): Promise<boolean> {
  const ended = work.then(
    () => true,
    () => true,
  );
  if (ms <= 0) return ended;
  return new Promise((resolve) => {
    const finish = (hasEnded: boolean): void => {
      cancel();
      signal?.removeEventListener("abort", leave);
      resolve(hasEnded);
    };
    const leave = (): void => finish(false);
    const cancel = clock.after(ms, leave);
    if (signal?.aborted) return leave();
    signal?.addEventListener("abort", leave, { once: true });
    void ended.then(finish);
  });
}

/** Waits for the work until the signal fires, then rejects with its reason. The work itself goes on. */
export function orAborted<T>(work: Promise<T>, { signal }: CallOptions): Promise<T> {
  return new Promise((resolve, reject) => {
    const leave = (): void => reject(signal.reason as Error);
    if (signal.aborted) leave();
    signal.addEventListener("abort", leave, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", leave));
  });
}
