import type * as mysql from "mysql2";
import type { Diagnosis, SqlConnection, SqlDriver } from "#components/_shared/sql/database.ts";
import type { MysqlSettings } from "./settings.ts";

/** The only module that knows the client library. */
type Library = typeof mysql;

export async function createDriver(settings: MysqlSettings): Promise<SqlDriver> {
  // In a bundle a CommonJS library has its names on `default` only; in Node there too.
  const library = (await import("mysql2")).default as unknown as Library;
  const { target, mostConnections, idleMs, database } = settings;
  const pool = library.createPool({
    ...connectionOptions(settings),
    ...(database === "" ? {} : { database }),
    connectionLimit: mostConnections,
    maxIdle: mostConnections,
    idleTimeout: Math.max(1, idleMs),
  });
  // Locks on single rows only, none on the gaps between them. It is sent before what the connection was made for.
  pool.on("connection", (connection) =>
    connection.query("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED", () => {}),
  );
  const { host, port, socketPath } = target;
  return {
    where: `MySQL at ${socketPath ?? `${host}:${port}`}`,
    connect: () =>
      new Promise((resolve, reject) => {
        pool.getConnection((reason, connection) => {
          if (reason) reject(reason);
          else resolve(connectionOf(connection));
        });
      }),
    end: () => new Promise((resolve) => pool.end(() => resolve())),
    diagnose,
  };
}

function connectionOptions({ target, tls, timeoutMs }: MysqlSettings) {
  const { host, port, socketPath, user, password, connectTimeoutMs } = target;
  return {
    ...(socketPath === undefined ? { host, port } : { socketPath }),
    user,
    password,
    connectTimeout: connectTimeoutMs ?? timeoutMs,
    charset: "utf8mb4",
    enableKeepAlive: true,
    ...(tls ? { ssl: { ...tls } } : {}),
  };
}

function connectionOf(connection: mysql.PoolConnection): SqlConnection {
  let isReturned = false;
  let fail: ((reason: Error) => void) | undefined;
  const once = (end: () => void): void => {
    if (isReturned) return;
    isReturned = true;
    end();
  };
  return {
    query: (text, values = []) =>
      new Promise((resolve, reject) => {
        fail = reject;
        connection.query(text, [...values], (reason, result) => {
          if (reason) reject(reason);
          else if (Array.isArray(result))
            resolve({ rows: result as Array<Record<string, unknown>>, changes: 0 });
          else resolve({ rows: [], changes: result.affectedRows });
        });
      }),
    release: () => once(() => connection.release()),
    destroy: () =>
      once(() => {
        connection.destroy();
        // The library does not end what was under way.
        fail?.(new Error("the connection was closed"));
      }),
  };
}

/** Deadlock, lock wait timeout, record has changed since it was read. */
const conflicts: ReadonlySet<number> = new Set([1213, 1205, 1020]);
/**
 * Answers of the server that another attempt may well not get: too many connections, shutdown, connections that end, disk
 * full, and writing to a replica while another server takes over.
 */
const passing: ReadonlySet<number> = new Set([
  1021, 1040, 1041, 1053, 1114, 1129, 1152, 1158, 1159, 1160, 1161, 1203, 1226, 1290, 1836, 1927,
  3024, 3032, 4031,
]);

function diagnose(reason: unknown): Diagnosis {
  const code = errorNumber(reason);
  // Errors of the network and of the library itself have no number of the server, or a negative one of the system.
  if (code === undefined || code <= 0) return { kind: "unavailable" };
  const isConflict = conflicts.has(code);
  return { kind: isConflict || passing.has(code) ? "unavailable" : "rejected", isConflict };
}
function errorNumber(reason: unknown): number | undefined {
  const { errno, sqlState } = reason as { errno?: unknown; sqlState?: unknown };
  return typeof errno === "number" && sqlState !== undefined ? errno : undefined;
}
