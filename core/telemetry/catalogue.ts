import { componentMetrics } from "./catalogue/components.ts";
import { costMetrics } from "./catalogue/cost.ts";
import type { Distribution, MetricSpec } from "./catalogue/metric-spec.ts";
import { runtimeMetrics } from "./catalogue/runtime.ts";
import { transportMetrics } from "./catalogue/transport.ts";
import { workflowMetrics } from "./catalogue/workflows.ts";

/**
 * Every metric that there is, in the order of the documentation. docs/observability.md is checked
 * against it.
 */
export const catalogue: readonly MetricSpec[] = [
  ...transportMetrics,
  ...componentMetrics,
  ...runtimeMetrics,
  ...workflowMetrics,
  ...costMetrics,
];

const kib = 1024;
const sizeBuckets: readonly number[] = [
  ...[1, 2, 4, 16, 64, 256].map((count) => count * kib),
  ...[1, 4, 16, 64, 256].map((count) => count * kib ** 2),
  ...[1, 4].map((count) => count * kib ** 3),
];
const ratioBuckets: readonly number[] = [0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 1, 1.5, 2];

export interface LatencyBuckets {
  readonly latencyBuckets: readonly number[];
  readonly workflowLatencyBuckets: readonly number[];
}
/** Upper bounds, ascending; the last bucket, without a bound, is not among them. */
export function bucketsOf(distribution: Distribution, settings: LatencyBuckets): readonly number[] {
  switch (distribution) {
    case "latency":
      return settings.latencyBuckets;
    case "workflow-latency":
      return settings.workflowLatencyBuckets;
    case "size":
      return sizeBuckets;
    case "ratio":
      return ratioBuckets;
  }
}
