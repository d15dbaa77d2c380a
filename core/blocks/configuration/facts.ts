import type { OperationFacts } from "#core/kernel/operation.ts";
import { componentMetric } from "#core/kernel/facts/component-metric.ts";
import { describePlainly } from "#core/kernel/facts/describe.ts";

interface Asked {
  readonly store?: string;
}

/** What all operations on configuration have in common. `operation`: its name in `component_configuration_count`. */
export function configurationFacts(
  endpoint: string,
  operation: string,
): OperationFacts<Asked, unknown> {
  const metric = componentMetric<Asked>(
    "component_configuration",
    "configuration",
    ({ store }) => store,
    operation,
  );
  return { api: "configuration", endpoint, describe: describePlainly, metric };
}
