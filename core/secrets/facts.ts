import type { OperationFacts } from "#core/operation.ts";
import { componentMetric } from "#core/telemetry/component-metric.ts";
import { describeStore } from "#core/tracing/describe.ts";

interface Asked {
  readonly store: string;
}

/** What all operations on secrets have in common. `operation`: its name in `component_secret_count`. */
export function secretFacts(endpoint: string, operation: string): OperationFacts<Asked, unknown> {
  return {
    api: "secrets",
    endpoint,
    describe: describeStore("secrets"),
    metric: componentMetric("component_secret", "secretstores", ({ store }) => store, operation),
  };
}
