import { messageOf } from "#core/errors/component-error.ts";
import { compileCondition } from "#core/util/condition.ts";

/** What a circuit breaker has seen since it was closed, or last forgot. */
export interface Counts {
  readonly requests: number;
  readonly totalSuccesses: number;
  readonly totalFailures: number;
  readonly consecutiveSuccesses: number;
  readonly consecutiveFailures: number;
}

const names = [
  "requests",
  "totalSuccesses",
  "totalFailures",
  "consecutiveSuccesses",
  "consecutiveFailures",
] as const;

/** Compiles the CEL text that opens a breaker; throws where it is none. Dapr: what cannot be evaluated, or is not a boolean, does not trip. */
export function compileTrip(source: string): (counts: Counts) => boolean {
  const condition = compileCondition(source);
  return (counts) => {
    try {
      // CEL's integers are 64 bits wide.
      return condition.test(Object.fromEntries(names.map((name) => [name, BigInt(counts[name])])));
    } catch {
      return false;
    }
  };
}

/** Why a condition that can be read will hardly trip, such as a name that is none of the counts; `undefined` for one that may. */
export function faultOfTrip(source: string): string | undefined {
  try {
    compileCondition(
      source,
      names.map((name) => ({ name, type: "int" })),
    );
    return undefined;
  } catch (reason) {
    return messageOf(reason).split("\n", 1)[0];
  }
}
