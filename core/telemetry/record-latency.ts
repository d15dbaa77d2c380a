import type { AppMetrics } from "./app-metrics.ts";
import { maxSeries } from "./family.ts";
import type { Series } from "./series.ts";
import { TupleCache } from "./tuple-cache.ts";

interface Pair {
  readonly count: Series;
  readonly latencies: Series;
}
const found = new WeakMap<AppMetrics, Map<string, TupleCache<Pair>>>();

/** Counts once, with its time, in `<family>_count` and `<family>_latencies`. */
export function recordLatency(
  metrics: AppMetrics,
  family: string,
  labels: readonly string[],
  ms: number,
): void {
  let families = found.get(metrics);
  if (!families) found.set(metrics, (families = new Map()));
  let pairs = families.get(family);
  if (!pairs) families.set(family, (pairs = new TupleCache(2 * maxSeries)));
  const { count, latencies } =
    pairs.get(labels) ??
    pairs.put(labels, {
      count: metrics.family(`${family}_count`).of(labels),
      latencies: metrics.family(`${family}_latencies`).of(labels),
    });
  count.put(1);
  latencies.put(ms);
}
