import type { OperationFacts } from "#core/kernel/operation.ts";
import { componentMetric } from "#core/kernel/facts/component-metric.ts";
import { describeStore } from "#core/kernel/facts/describe.ts";

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
