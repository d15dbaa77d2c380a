import type { Database } from "#components/_shared/sql/database.ts";
import { ComponentError } from "#core/errors/component-error.ts";
import type { CallOptions } from "#core/ports/component.ts";
import type { Coordination } from "#core/ports/coordination.ts";
import type { Clock } from "#core/ports/platform.ts";
import { pauseAfter, type Pauses } from "#core/util/backoff.ts";
import { createDueTimes } from "./due-times.ts";
import { createOwnership } from "./ownership.ts";
import type { DueTables, OwnershipTables } from "./tables.ts";

export interface CoordinationTables {
  readonly owners: OwnershipTables;
  readonly due: DueTables;
  /** Makes the tables where they are not there. */
  create(options: CallOptions): Promise<void>;
}

/** A server that is starting up refuses connections for a moment. */
const startPauses: Pauses = { firstMs: 100, longestMs: 1000 };
const mostStarts = 5;

/** Coordination in the tables of a server; without a connection to it, none. */
export async function openCoordination(
  database: Database,
  { owners, due, create }: CoordinationTables,
  group: string,
  clock: Clock,
): Promise<Coordination> {
  const options = { signal: new AbortController().signal };
  for (let failures = 0; ; failures++)
    try {
      await create(options);
      break;
    } catch (reason) {
      const isUnavailable = ComponentError.is(reason) && reason.kind === "unavailable";
      if (!isUnavailable || failures + 1 === mostStarts) {
        await database[Symbol.asyncDispose]();
        throw reason;
      }
      await clock.sleep(pauseAfter(failures, startPauses), options);
    }
  const { drained, ...dueTimes } = createDueTimes(due, group);
  return {
    ownership: createOwnership(owners, group),
    dueTimes,
    ping: async (options) => {
      await database.query("SELECT 1", [], options);
    },
    [Symbol.asyncDispose]: async () => {
      await drained();
      await database[Symbol.asyncDispose]();
    },
  };
}
