import { optionsOf } from "#components/_shared/options.ts";
import { openCoordination } from "#components/_shared/sql-coordination/coordination.ts";
import { createDatabase } from "#components/_shared/sql/database.ts";
import type { CallOptions } from "#core/ports/component.ts";
import type { Coordination } from "#core/ports/coordination.ts";
import type { ComponentSpec, Host } from "#core/ports/manifest.ts";
import { createCoordinationTables } from "./coordination-schema.ts";
import { createSchema } from "./create-schema.ts";
import { createDriver } from "./client.ts";
import { createDueTables } from "./due-tables.ts";
import { coordination } from "./manifest.ts";
import { createOwnershipTables } from "./ownership-tables.ts";
import { readSettings } from "./settings.ts";

export async function open(spec: ComponentSpec, { clock }: Host): Promise<Coordination> {
  const settings = readSettings(spec, coordination.options);
  const group = optionsOf(spec, coordination.options).text("group") ?? "";
  const driver = await createDriver(settings);
  const database = createDatabase(driver, { ...settings, clock });
  const tables = {
    owners: createOwnershipTables(database),
    due: createDueTables(database),
    create: async (options: CallOptions) => {
      await createSchema(settings, clock, options);
      await createCoordinationTables(database, options);
    },
  };
  return openCoordination(database, tables, group, clock);
}
