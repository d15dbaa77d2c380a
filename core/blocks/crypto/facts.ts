import type { OperationFacts } from "#core/kernel/operation.ts";
import { componentMetric } from "#core/kernel/facts/component-metric.ts";
import { describePlainly } from "#core/kernel/facts/describe.ts";

interface Asked {
  readonly component: string;
}

/** What all operations with keys have in common. `operation`: its name in `component_crypto_count`. */
export function cryptoFacts(
  api: "crypto" | "subtlecrypto",
  endpoint: string,
  operation: "get" | "crypto_op" = "crypto_op",
): OperationFacts<Asked, unknown> {
  return {
    api,
    endpoint,
    describe: describePlainly,
    metric: componentMetric("component_crypto", "crypto", ({ component }) => component, operation),
  };
}
