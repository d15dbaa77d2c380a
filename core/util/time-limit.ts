import type { CallOptions } from "#core/ports/component.ts";
import type { Clock } from "#core/ports/platform.ts";

/** Runs for at most `ms`; then rejects, and fires the signal that the work was given. */
export async function within<T>(
  clock: Clock,
  ms: number,
  { signal }: CallOptions,
  run: (options: CallOptions) => Promise<T>,
): Promise<T> {
  const over = new AbortController();
  const both = AbortSignal.any([signal, over.signal]);
  const late = clock.sleep(ms, { signal: both }).then((): never => {
    throw new Error(`No answer within ${ms} ms`);
  });
  try {
    return await Promise.race([run({ signal: both }), late]);
  } finally {
    over.abort();
    late.catch(() => {});
  }
}
