import type { RetryPolicy } from "#core/resources/resiliency.ts";

export type BuiltInPolicy =
  | "DaprBuiltInServiceRetries"
  | "DaprBuiltInActorRetries"
  | "DaprBuiltInActorReminderRetries"
  | "DaprBuiltInInitializationRetries"
  | "DaprBuiltInActorNotFoundRetries";

/** A document may ask for more retries than these, not for fewer. */
export const leastRetries = 3;

const constant = (maxRetries: number): RetryPolicy => ({
  policy: "constant",
  durationMs: 1000,
  maxIntervalMs: 60_000,
  maxRetries,
});
const exponential = (
  maxRetries: number,
  maxIntervalMs: number,
  maxElapsedMs: number,
): RetryPolicy & { readonly maxElapsedMs: number } => ({
  policy: "exponential",
  durationMs: 2000,
  maxIntervalMs,
  maxRetries,
  maxElapsedMs,
});

/** What Dapr does where no document says otherwise. */
export const builtInRetries: ReadonlyMap<string, RetryPolicy & { readonly maxElapsedMs?: number }> =
  new Map<BuiltInPolicy, RetryPolicy & { readonly maxElapsedMs?: number }>([
    ["DaprBuiltInServiceRetries", constant(3)],
    ["DaprBuiltInActorRetries", constant(3)],
    ["DaprBuiltInActorReminderRetries", exponential(-1, 60_000, 15 * 60_000)],
    ["DaprBuiltInInitializationRetries", exponential(3, 1000, 10_000)],
    ["DaprBuiltInActorNotFoundRetries", constant(5)],
  ]);

export function isProtected(name: string): boolean {
  return name === "DaprBuiltInActorNotFoundRetries";
}
