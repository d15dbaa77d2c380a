import { optionsOf } from "#components/_shared/options.ts";
import { type PoolSettings, readPoolSettings } from "#components/_shared/sql/pool-settings.ts";
import type { ComponentSpec, OptionTable } from "#core/ports/manifest.ts";
import { type PostgresTarget, readConnectionString } from "./connection-string.ts";

export interface PostgresSettings extends PoolSettings {
  readonly target: PostgresTarget;
}

export function readSettings(spec: ComponentSpec, table: OptionTable): PostgresSettings {
  const options = optionsOf(spec, table);
  const text = options.text("connectionString");
  if (text === undefined) throw new Error("connectionString is missing; give the database");
  return { ...readPoolSettings(options), target: readConnectionString(text) };
}
