import { pauseAfter, type Pauses } from "#core/util/backoff.ts";
import { KubeError } from "./client.ts";

/** Where a right or a kind is missing; somebody has to do something first. */
const slowMs = 30_000;
const pauses: Pauses = { firstMs: 500, longestMs: 30_000, jitter: [0.5, 1] };
const mostRetryAfterMs = 5 * 60_000;

/** How long to wait before the next try, in milliseconds; `failures` in a row before this one. */
export function retryPause(reason: unknown, failures: number, random: () => number): number {
  const backoff = pauseAfter(failures, pauses, random);
  if (!(reason instanceof KubeError)) return backoff;
  if (reason.code === 403 || reason.code === 404) return slowMs * (1 + random() / 10);
  // What the server asks for is the least; not all of a cluster at the same moment.
  if (reason.retryAfterMs !== undefined)
    return Math.max(
      Math.min(reason.retryAfterMs, mostRetryAfterMs) * (1 + random() / 10),
      failures === 0 ? 0 : backoff,
    );
  return isExpired(reason) && failures === 0 ? 0 : backoff;
}

/** The past that a resourceVersion or a `continue` names is forgotten. */
export function isExpired(reason: unknown): boolean {
  return (
    reason instanceof KubeError &&
    (reason.code === 410 || reason.reason === "Expired" || reason.reason === "Gone")
  );
}
