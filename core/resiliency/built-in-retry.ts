import { ComponentError } from "#core/errors/component-error.ts";
import type { Clock, Log } from "#core/ports/platform.ts";
import type { RetryPolicy } from "#core/resources/resiliency.ts";
import { type BuiltInPolicy, builtInRetries } from "./built-in.ts";
import type { Guard } from "./guard.ts";
import { createRetry } from "./retry.ts";

/** A built-in policy, or what a document has put in its place. */
export function builtInRetry(
  name: BuiltInPolicy,
  { clock, log }: { readonly clock: Clock; readonly log: Log },
  policy: RetryPolicy | undefined = builtInRetries.get(name),
): Guard {
  if (!policy) throw new TypeError(`${name} is not a built-in policy`);
  const options = { ...policy, nameOf: () => name, clock, log };
  return createRetry(
    name === "DaprBuiltInServiceRetries" ? { ...options, only: isUnavailable } : options,
  );
}

/** Nobody was there to take the call. */
function isUnavailable(reason: unknown): boolean {
  return ComponentError.is(reason) && reason.kind === "unavailable";
}
