import { describePlainly } from "#core/kernel/facts/describe.ts";
import type { OperationFacts } from "#core/kernel/operation.ts";

/** Dapr: runs are counted, calls are not. */
export function jobFacts(endpoint: string): OperationFacts<object, unknown> {
  return { api: "jobs", endpoint, describe: describePlainly, metric: undefined };
}
