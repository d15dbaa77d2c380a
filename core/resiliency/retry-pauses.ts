import { createBackoff } from "#core/util/backoff.ts";

/** When to try again. */
export interface BackoffPolicy {
  readonly policy: "constant" | "exponential";
  readonly durationMs: number;
  readonly maxIntervalMs: number;
  /** -1 means without end. */
  readonly maxRetries: number;
  /** Of exponential ones, all tries together. Default: 15 min. */
  readonly maxElapsedMs?: number;
}
const firstMs = 500;
const factor = 1.5;
const jitter = [0.5, 1.5] as const;
const elapsedMs = 15 * 60_000;

/** Gives the pauses of one call, in milliseconds, until it gives `undefined`: then the last failure stands. */
export function createRetryPauses(
  policy: BackoffPolicy,
  now: () => number,
  random: () => number = Math.random,
): () => number | undefined {
  const began = now();
  let retries = 0;
  const backoff = createBackoff(
    { firstMs, longestMs: policy.maxIntervalMs, factor, jitter },
    random,
  );
  return () => {
    if (policy.maxRetries >= 0 && retries >= policy.maxRetries) return undefined;
    retries++;
    if (policy.policy === "constant") return policy.durationMs;
    const pause = backoff.next();
    return now() - began + pause > (policy.maxElapsedMs ?? elapsedMs) ? undefined : pause;
  };
}
