import type { Clock } from "#core/ports/platform.ts";

/** Token buckets by key. */
export interface Buckets {
  /** Takes a token; the whole ones that are left, or `undefined` when there was none. */
  take(key: string): number | undefined;
}
interface Bucket {
  tokens: number;
  /** When `tokens` was true, in milliseconds. */
  at: number;
}

/** Keys come from callers: past this many, those used longest ago are forgotten. */
const mostBuckets = 10_000;

/** Each key may take `burst` at once and `rate` a second. */
export function createBuckets(rate: number, burst: number, clock: Pick<Clock, "now">): Buckets {
  const buckets = new Map<string, Bucket>();
  return {
    take: (key) => {
      const at = clock.now();
      const before = buckets.get(key);
      const gained = before ? (Math.max(0, at - before.at) / 1000) * rate : burst;
      const tokens = Math.min(burst, (before?.tokens ?? 0) + gained);
      const left = tokens >= 1 ? tokens - 1 : undefined;
      // Taken out and put back: a Map keeps its keys in the order of use.
      buckets.delete(key);
      buckets.set(key, { tokens: left ?? tokens, at });
      if (buckets.size > mostBuckets) buckets.delete(buckets.keys().next().value as string);
      return left === undefined ? undefined : Math.floor(left);
    },
  };
}
