import { type Guard, nest } from "./guard.ts";
import { createLru } from "./lru.ts";
import type { TargetGuards } from "./target-guards.ts";

/** The policies of calls to one app, HTTPEndpoint or URL. */
export interface AppPolicy {
  readonly repeats: boolean;
  guard(method: string): Guard | undefined;
}

/** Each method has a breaker of its own; so many are remembered. */
export function appPolicy(
  target: string,
  { retry, timeout, breaker }: TargetGuards,
  mostBreakers: number,
): AppPolicy {
  const breakers = createLru<string, Guard | undefined>(mostBreakers);
  const repeats = retry !== undefined;
  if (!breaker) {
    const guard = nest([retry, timeout]);
    if (!guard || !repeats) return { repeats, guard: () => guard };
    return { repeats, guard: (method) => (run, options) => guard(run, options, method) };
  }
  return {
    repeats,
    guard: (method) =>
      breakers(method, () => {
        const guard = nest([retry, breaker(`${target}:${method}`).guard, timeout]);
        return guard && ((run, options) => guard(run, options, method));
      }),
  };
}
