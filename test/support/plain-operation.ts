import type { Call } from "#core/kernel/call.ts";
import { defineOperation, type Operation, type OperationFacts } from "#core/kernel/operation.ts";

/** An operation of which there is nothing to say. */
export const plainFacts: OperationFacts<unknown, unknown> = {
  api: "state",
  endpoint: "Plain",
  describe: () => {},
  metric: undefined,
};
export function plainOperation<In, Out>(
  name: `${string}.${string}`,
  run: (call: Call, input: In) => Promise<Out>,
  facts: OperationFacts<In, Out> = plainFacts,
): Operation<In, Out> {
  return defineOperation(name, facts, run);
}
