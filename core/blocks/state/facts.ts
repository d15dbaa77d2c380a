import type { OperationFacts } from "#core/kernel/operation.ts";
import { componentMetric } from "#core/kernel/facts/component-metric.ts";
import { describeStore } from "#core/kernel/facts/describe.ts";

interface Asked {
  readonly store: string;
}

/** What all operations on state have in common. `operation`: its name in `component_state_count`. */
export function stateFacts(endpoint: string, operation: string): OperationFacts<Asked, unknown> {
  return {
    api: "state",
    endpoint,
    describe: describeStore("state"),
    metric: componentMetric("component_state", "state", ({ store }) => store, operation),
  };
}
