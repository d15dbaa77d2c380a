import type * as pg from "pg";
import type { Diagnosis, SqlConnection, SqlDriver } from "#components/_shared/sql/database.ts";
import type { PostgresSettings } from "./settings.ts";

/** The only module that knows the client library. */
type Library = typeof pg;

export async function createDriver(settings: PostgresSettings): Promise<SqlDriver> {
  // In a bundle a CommonJS library has its names on `default` only; in Node there too.
  const library = (await import("pg")).default as unknown as Library;
  const { target, timeoutMs, mostConnections, idleMs } = settings;
  const pool = new library.Pool({
    connectionString: target.url,
    max: mostConnections,
    connectionTimeoutMillis: target.connectTimeoutMs ?? timeoutMs,
    idleTimeoutMillis: idleMs,
    keepAlive: true,
    fallback_application_name: "outrigger",
  });
  // Whoever uses the connection gets the error as well; one that nobody uses is replaced when it is needed.
  pool.on("error", () => {});
  pool.on("connect", (client) => void client.on("error", () => {}));
  return {
    where: target.where,
    connect: async () => connectionOf(await pool.connect()),
    end: () => pool.end(),
    diagnose: (reason) => diagnose(library, reason),
  };
}

function connectionOf(client: pg.PoolClient): SqlConnection {
  let isReturned = false;
  const end = (isBroken: boolean): void => {
    if (isReturned) return;
    isReturned = true;
    client.release(isBroken);
  };
  return {
    query: async (text, values) => {
      const { rows, rowCount } = await client.query(text, values && [...values]);
      return { rows: rows as ReadonlyArray<Record<string, unknown>>, changes: rowCount ?? 0 };
    },
    release: () => end(false),
    destroy: () => end(true),
  };
}

/** Deadlocks, and what is the same with another level of isolation. */
const conflicts: ReadonlySet<string> = new Set(["40001", "40P01"]);
/**
 * Classes and codes of SQLSTATE that another attempt may well not get: connections, resources, shutdown, errors of the
 * system, locks, and writing to a standby while another server takes over.
 */
const passing = /^(?:08|40|53|57|58|55P03|25006)/;

function diagnose({ DatabaseError }: Library, reason: unknown): Diagnosis {
  if (!(reason instanceof DatabaseError)) return { kind: "unavailable" };
  const code = reason.code ?? "";
  return { kind: passing.test(code) ? "unavailable" : "rejected", isConflict: conflicts.has(code) };
}
