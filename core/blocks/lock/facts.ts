import type { OperationFacts } from "#core/kernel/operation.ts";
import { describePlainly } from "#core/kernel/facts/describe.ts";

/** Dapr: each of the two is an API of its own, and nothing is counted. */
export function lockFacts(
  endpoint: string,
  api: "lock" | "unlock",
): OperationFacts<object, unknown> {
  return { api, endpoint, describe: describePlainly, metric: undefined };
}
