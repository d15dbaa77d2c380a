import type { Coordination } from "#core/ports/coordination.ts";
import type { ComponentSpec, Host } from "#core/ports/manifest.ts";
import { openCoordinationDatabase } from "./coordination-database.ts";
import { readCoordinationSettings } from "./coordination-settings.ts";
import { createDueTimes } from "./due-times.ts";
import { createOwnership } from "./ownership.ts";

/** Coordination of the runtimes of one machine, in a file that they share. */
export async function open(spec: ComponentSpec, { clock }: Host): Promise<Coordination> {
  const database = await openCoordinationDatabase(readCoordinationSettings(spec), clock);
  const ping = database.quick.db.prepare("SELECT 1");
  return {
    ownership: createOwnership(database, clock),
    dueTimes: createDueTimes(database),
    ping: async (options) => {
      await database.read(() => ping.get(), options);
    },
    [Symbol.asyncDispose]: () => database[Symbol.asyncDispose](),
  };
}
