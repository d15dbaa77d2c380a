import mysql from "mysql2/promise";
import pg from "pg";
import { afterAll, beforeAll } from "vitest";
import type { Service } from "./services.ts";

type Rows = ReadonlyArray<Record<string, unknown>>;
interface Client {
  query(text: string, values?: readonly unknown[]): Promise<Rows>;
  end(): Promise<void>;
}

/** A database of the file's own, for as long as its tests run. */
export interface TestDatabase {
  readonly url: string;
  readonly name: string;
  /** One statement, on a connection of its own. */
  query(text: string, values?: readonly unknown[]): Promise<Rows>;
  /** Runs the statements, and commits them once the work is done. */
  inTransaction(texts: readonly string[], work: () => Promise<void>): Promise<void>;
  /** Closes all connections to it, from the side of the server. */
  closeConnections(): Promise<void>;
}

/** In the server that `TEST_POSTGRESQL` names or the standard port has, as user postgres without a password. */
export function postgresDatabase({ address }: Service): TestDatabase {
  const server = `postgresql://postgres@${address}`;
  return testDatabase({
    connect: connectPostgres,
    admin: `${server}/postgres`,
    server,
    drop: (name) => `DROP DATABASE ${name} WITH (FORCE)`,
    close: async (client, name) => {
      const text = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1";
      await client.query(text, [name]);
    },
  });
}

/** In the server that `TEST_MYSQL` names or the standard port has (MySQL or MariaDB), as user root without a password. */
export function mysqlDatabase({ address }: Service): TestDatabase {
  const server = `mysql://root@${address}`;
  return testDatabase({
    connect: connectMysql,
    admin: server,
    server,
    drop: (name) => `DROP DATABASE ${name}`,
    close: async (client, name) => {
      const text = "SELECT id FROM information_schema.processlist WHERE db = ?";
      // One that has ended meanwhile cannot be killed.
      for (const { id } of await client.query(text, [name]))
        await client.query(`KILL ${String(id)}`).catch(() => {});
    },
  });
}

function testDatabase({
  connect,
  admin,
  server,
  drop,
  close,
}: {
  readonly connect: (url: string) => Promise<Client>;
  readonly admin: string;
  readonly server: string;
  readonly drop: (name: string) => string;
  readonly close: (client: Client, name: string) => Promise<void>;
}): TestDatabase {
  const name = `outrigger_test_${crypto.randomUUID().replaceAll("-", "").slice(0, 20)}`;
  const url = `${server}/${name}`;
  const withClient = async <T>(to: string, work: (client: Client) => Promise<T>): Promise<T> => {
    const client = await connect(to);
    try {
      return await work(client);
    } finally {
      await client.end();
    }
  };
  beforeAll(() => withClient(admin, (client) => client.query(`CREATE DATABASE ${name}`)));
  afterAll(() => withClient(admin, (client) => client.query(drop(name))));
  return {
    url,
    name,
    query: (text, values) => withClient(url, (client) => client.query(text, values)),
    inTransaction: (texts, work) =>
      withClient(url, async (client) => {
        await client.query("BEGIN");
        for (const text of texts) await client.query(text);
        await work();
        await client.query("COMMIT");
      }),
    closeConnections: () => withClient(admin, (client) => close(client, name)),
  };
}

async function connectPostgres(connectionString: string): Promise<Client> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  return {
    query: async (text, values = []) => (await client.query(text, [...values])).rows as Rows,
    end: () => client.end(),
  };
}

async function connectMysql(url: string): Promise<Client> {
  const connection = await mysql.createConnection(url);
  return {
    query: async (text, values = []) => {
      const [rows] = await connection.query(text, [...values]);
      return Array.isArray(rows) ? (rows as Rows) : [];
    },
    end: () => connection.end(),
  };
}
