import type { Call } from "#core/kernel/call.ts";
import type { Invoke, Layer, Operation, OperationMetric } from "#core/kernel/operation.ts";
import type { AppMetrics } from "#core/telemetry/app-metrics.ts";
import { recordLatency } from "#core/telemetry/record-latency.ts";

type Measured = Operation<never, unknown>;

/**
 * Measures what operations do with components, from outside of whatever guards the component: a retry is part of
 * the operation. An app without metrics passes by.
 */
export const measuredOperations: Layer = (next) => {
  const measured = async (
    metric: OperationMetric<never, unknown>,
    metrics: AppMetrics,
    ...[operation, call, input]: [Measured, Call, unknown]
  ): Promise<unknown> => {
    const { app } = call;
    const asked = (input ?? {}) as never;
    const name = metric.component(asked);
    if (name === undefined || (metric.kind && !app.component(metric.kind, name)))
      return next(operation, call, input);
    const began = metrics.clock.monotonic();
    let success = false;
    let out: unknown;
    try {
      out = await next(operation, call, input);
      success = metric.isSuccess?.(out) ?? true;
      return out;
    } finally {
      const labels = metric.labels(app, name, asked, String(success));
      recordLatency(metrics, metric.family, labels, metrics.clock.monotonic() - began);
      if (metric.events)
        metrics
          .family(`${metric.family}_event_count`)
          .of(metric.labels(app, name, asked, "true"))
          .put(metric.events(asked, out));
    }
  };
  const run: Invoke = (operation, call, input) => {
    const { metrics } = call.app.telemetry;
    const { metric } = operation;
    // Not even a promise more where nothing is measured.
    return metrics && metric
      ? measured(metric, metrics, operation, call, input)
      : next(operation, call, input);
  };
  return run;
};
