import { readFileSync } from "node:fs";
import { optionsOf } from "#components/_shared/options.ts";
import { type PoolSettings, readPoolSettings } from "#components/_shared/sql/pool-settings.ts";
import type { ComponentSpec, OptionTable } from "#core/ports/manifest.ts";
import { type MysqlTarget, readConnectionString } from "./connection-string.ts";

export interface MysqlSettings extends PoolSettings {
  readonly target: MysqlTarget;
  readonly tls: MysqlTls | undefined;
  /** "": none. */
  readonly database: string;
  /** Only a database that the user has not named is made where it does not exist. */
  readonly mayCreateDatabase: boolean;
}
export interface MysqlTls {
  readonly rejectUnauthorized: boolean;
  readonly ca?: string;
}

export function readSettings(spec: ComponentSpec, table: OptionTable): MysqlSettings {
  const options = optionsOf(spec, table);
  const text = options.text("connectionString");
  if (text === undefined) throw new Error("connectionString is missing; give the server");
  const target = readConnectionString(text);
  const path = options.text("pemPath");
  const ca = options.text("pemContents") ?? (path === undefined ? undefined : readPem(path));
  return {
    ...readPoolSettings(options),
    target,
    tls:
      target.tls === "off" && ca === undefined
        ? undefined
        : {
            rejectUnauthorized: target.tls !== "skip-verify",
            ...(ca === undefined ? {} : { ca }),
          },
    database: target.database || (options.text("schemaName") as string),
    mayCreateDatabase: target.database === "",
  };
}

function readPem(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw new Error(`pemPath: cannot read ${JSON.stringify(path)}`, { cause });
  }
}
