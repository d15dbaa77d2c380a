import type { Coordination } from "#core/ports/coordination.ts";
import type { Clock } from "#core/ports/platform.ts";
import { createDueTimes } from "./due-times.ts";
import { createOwnership } from "./ownership.ts";

/** Coordination of the runtimes of one process: what is not in this memory does not exist. */
export function open(clock: Clock): Coordination {
  return {
    ownership: createOwnership(clock),
    dueTimes: createDueTimes(),
    [Symbol.asyncDispose]: async () => {},
  };
}
