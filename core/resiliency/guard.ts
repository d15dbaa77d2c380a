import type { CallOptions } from "#core/ports/component.ts";

/** Runs work under policies: it may be run again, ended by its signal, or not be run at all. `method`: of the target, for the log. */
export type Guard = <T>(
  run: (options: CallOptions) => Promise<T>,
  options: CallOptions,
  method?: string,
) => Promise<T>;

/** Where no policy is. */
export const unguarded: Guard = (run, options) => run(options);

/** One inside the other, the first outermost; `undefined` where there is none. */
export function nest(guards: ReadonlyArray<Guard | undefined>): Guard | undefined {
  return guards.reduceRight<Guard | undefined>((inner, outer) => {
    if (!outer || !inner) return outer ?? inner;
    return (run, options, method) => outer((limited) => inner(run, limited), options, method);
  }, undefined);
}
