import { ComponentError } from "#core/errors/component-error.ts";
import type { Clock } from "#core/ports/platform.ts";
import type { Fence } from "#core/ports/state-store.ts";

const forgetMs = 86_400_000;
/** Old scopes are dropped once so many have been raised. */
const raisesPerSweep = 4096;

/** The greatest fence seen of each scope. */
export interface Fences {
  /** Throws `fenced` where a greater one is known. */
  check(fence: Fence): void;
  raise(fence: Fence): void;
}

export function createFences(clock: Pick<Clock, "now">): Fences {
  const known = new Map<string, { readonly fence: number; readonly touched: number }>();
  let raises = 0;
  return {
    check: ({ scope, fence }) => {
      const greatest = known.get(scope)?.fence ?? 0;
      if (greatest > fence)
        throw new ComponentError(
          "fenced",
          `another owner of ${JSON.stringify(scope)} has taken over (fence ${greatest} is greater than ${fence})`,
        );
    },
    raise: ({ scope, fence }) => {
      const now = clock.now();
      known.set(scope, { fence, touched: now });
      if (++raises % raisesPerSweep !== 0) return;
      for (const [other, { touched }] of known) if (touched < now - forgetMs) known.delete(other);
    },
  };
}
