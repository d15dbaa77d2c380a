import { compileCondition } from "#core/util/condition.ts";
import type { Counts } from "./circuit-breaker.ts";

const names = [
  "requests",
  "totalSuccesses",
  "totalFailures",
  "consecutiveSuccesses",
  "consecutiveFailures",
] as const;

/** Compiles the CEL text that opens a breaker; throws with its fault. What cannot be evaluated, or is no boolean, does not trip. */
export function compileTrip(source: string): (counts: Counts) => boolean {
  const condition = compileCondition(
    source,
    names.map((name) => ({ name, type: "int" })),
  );
  return (counts) => {
    try {
      // CEL's integers are 64 bits wide.
      return condition.test(Object.fromEntries(names.map((name) => [name, BigInt(counts[name])])));
    } catch {
      return false;
    }
  };
}
