import { DatabaseSync } from "node:sqlite";
import { optionsOf } from "#components/_shared/options.ts";
import { messageOf } from "#core/errors/component-error.ts";
import type { CallOptions } from "#core/ports/component.ts";
import type { ComponentSpec, Host } from "#core/ports/manifest.ts";
import type { Announcement, NameResolver } from "#core/ports/name-resolver.ts";
import { names } from "./manifest.ts";
import { identifier, readConnection } from "./settings.ts";
import { untilFree } from "./until-free.ts";

/** Dapr's table, so that its sidecars and ours find each other. */
export function open(
  spec: ComponentSpec,
  { clock, log }: Pick<Host, "clock" | "log">,
): NameResolver {
  const settings = readSettings(spec);
  const { table, metadataTable, intervalMs, timeoutMs } = settings;
  const database = new DatabaseSync(settings.location, { timeout: 0 });
  const ended = new AbortController();
  const options: CallOptions = { signal: ended.signal };
  const announced: Array<{ readonly id: string; readonly app: Announcement }> = [];
  const run = <T>(work: () => T): Promise<T> => untilFree(work, timeoutMs, clock, options);
  // A host says that it is there once within the interval, with time to spare for a busy database.
  const renewMs = intervalMs - timeoutMs;
  const seconds = Math.floor(intervalMs / 1000);
  let ready: Promise<void> | undefined;

  const register = ({ id, app }: (typeof announced)[number]): Promise<unknown> =>
    run(() =>
      database
        .prepare(
          `REPLACE INTO ${table} (registration_id, address, app_id, namespace, last_update) VALUES (?, ?, ?, '', unixepoch(CURRENT_TIMESTAMP))`,
        )
        .run(id, addressOf(app), app.appId),
    );
  const renew = async (): Promise<void> => {
    for (;;) {
      try {
        await clock.sleep(renewMs, options);
      } catch {
        return;
      }
      for (const each of announced)
        await register(each).catch((reason: unknown) =>
          log.error(`Cannot renew the registration of ${each.app.appId}: ${messageOf(reason)}`),
        );
      // Hosts that ended without a word.
      await run(() =>
        database
          .prepare(
            `DELETE FROM ${table} WHERE unixepoch(CURRENT_TIMESTAMP) - last_update > ${seconds * 10}`,
          )
          .run(),
      ).catch(() => {});
    }
  };
  const prepare = (): Promise<void> =>
    (ready ??= run(() => {
      for (const pragma of settings.pragmas) database.exec(`PRAGMA ${pragma}`);
      createTables(database, table, metadataTable);
    }));

  return {
    announce: async (app) => {
      await prepare();
      const each = { id: crypto.randomUUID(), app };
      await register(each);
      if (announced.push(each) === 1) void renew();
    },
    resolve: async ({ appId }) => {
      await prepare();
      const row = await run(() =>
        database
          .prepare(
            `SELECT address FROM ${table} WHERE app_id = ? AND unixepoch(CURRENT_TIMESTAMP) - last_update < ${seconds} ORDER BY RANDOM() LIMIT 1`,
          )
          .get(appId),
      );
      if (!row) throw new Error("no host found with the given ID");
      return String(row["address"]);
    },
    [Symbol.asyncDispose]: async () => {
      if (!database.isOpen) return;
      try {
        for (const { id } of announced)
          await run(() =>
            database.prepare(`DELETE FROM ${table} WHERE registration_id = ?`).run(id),
          );
      } catch (reason) {
        log.warn(`Cannot remove the registrations: ${messageOf(reason)}`);
      }
      ended.abort();
      database.close();
    },
  };
}

function readSettings(spec: ComponentSpec) {
  const options = optionsOf(spec, names.options);
  const connection = options.text("connectionString");
  if (connection === undefined) throw new Error("missing connection string");
  const intervalMs = options.duration("updateInterval", 1000) ?? 0;
  const timeoutMs = options.duration("timeout", 1000) ?? 0;
  if (intervalMs % 1000 !== 0)
    throw new Error("update interval must not contain fractions of seconds");
  if (intervalMs - timeoutMs < 1000)
    throw new Error("update interval must be at least 1s greater than timeout");
  return {
    ...readConnection(connection, false),
    table: identifier(options.text("tableName") ?? ""),
    metadataTable: identifier(options.text("metadataTableName") ?? ""),
    intervalMs,
    timeoutMs,
  };
}

/** As Dapr's migration leaves them; the version is noted so that a sidecar does not make them again. */
function createTables(database: DatabaseSync, table: string, metadataTable: string): void {
  database.exec("BEGIN IMMEDIATE");
  try {
    database.exec(
      `CREATE TABLE IF NOT EXISTS ${metadataTable} (key TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL);
       CREATE TABLE IF NOT EXISTS ${table} (registration_id TEXT NOT NULL PRIMARY KEY, address TEXT NOT NULL, app_id TEXT NOT NULL, namespace TEXT NOT NULL, last_update INTEGER NOT NULL);
       CREATE UNIQUE INDEX IF NOT EXISTS ${table}_address_idx ON ${table} (address);
       CREATE INDEX IF NOT EXISTS ${table}_last_update_idx ON ${table} (last_update);
       INSERT INTO ${metadataTable} (key, value) VALUES ('nr-migrations', '1') ON CONFLICT (key) DO NOTHING;
       COMMIT`,
    );
  } catch (reason) {
    database.exec("ROLLBACK");
    throw reason;
  }
}

function addressOf({ host, port }: Announcement): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
