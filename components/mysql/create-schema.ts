import { createDatabase } from "#components/_shared/sql/database.ts";
import { ComponentError } from "#core/errors/component-error.ts";
import type { CallOptions } from "#core/ports/component.ts";
import type { Clock } from "#core/ports/platform.ts";
import { createDriver } from "./client.ts";
import type { MysqlSettings } from "./settings.ts";

/** Makes the database of the server where the user has not named one. */
export async function createSchema(
  settings: MysqlSettings,
  clock: Clock,
  options: CallOptions,
): Promise<void> {
  if (!settings.mayCreateDatabase) return;
  const driver = await createDriver({ ...settings, database: "" });
  await using server = createDatabase(driver, { ...settings, clock });
  const name = `\`${settings.database.replaceAll("`", "``")}\``;
  try {
    await server.query(`CREATE DATABASE IF NOT EXISTS ${name}`, [], options);
  } catch (reason) {
    // A user without that right: the next connection shows whether it is there.
    if (!ComponentError.is(reason) || reason.kind !== "rejected") throw reason;
  }
}
