import { describe, expect, onTestFinished, test } from "vitest";
import { dueStatements } from "#components/postgresql/due-statements.ts";
import { createDriver } from "#components/postgresql/client.ts";
import { coordination } from "#components/postgresql/manifest.ts";
import { readSettings } from "#components/postgresql/settings.ts";
import { createDatabase } from "#components/_shared/sql/database.ts";
import { rowKey } from "#components/_shared/sql-coordination/row-keys.ts";
import { entryOf, sqlCoordinationTests } from "#test/contracts/sql-coordination.ts";
import { survivesKill } from "#test/contracts/survives-kill.ts";
import { hasPostgresServer, postgresServer } from "#test/support/database-servers.ts";
import { openComponent, testHost } from "#test/support/host.ts";
import { describeWith } from "#test/support/services.ts";
import { postgresDatabase } from "#test/support/sql-databases.ts";

const options = { signal: new AbortController().signal };

await describeWith("postgresql", "coordination.postgresql", (service) => {
  const database = postgresDatabase(service);
  sqlCoordinationTests({ manifest: coordination, database, port: service.port });

  test("an index leads to the rows, however many there are and whatever the statistics say", async () => {
    const metadata = { connectionString: database.url, group: "plans" };
    await using opened = await openComponent(coordination, metadata);
    await opened.dueTimes.put(entryOf(), true, options);
    const queueKey = rowKey("plans", "q");
    await database.query(
      `INSERT INTO outrigger_due (queue_key, item_key, queue, item, due_at, next_at, claim, data)
       SELECT queue_key, key, queue, key, due_at + i, due_at + i, '', data
       FROM outrigger_due, generate_series(1, 30000) i,
         LATERAL (SELECT convert_to(format(E'o\\u0001n%s', lpad(i::text, 6, '0')), 'UTF8') AS key) AS keys
       WHERE queue_key = $1`,
      [queueKey],
    );
    const later = 9e15;
    const [low, high] = [Buffer.from("o"), Buffer.from("p")];
    const range = [queueKey, low, high, low, high, 50];
    const ids = [[queueKey], [Buffer.from("o\u0001n000100")]];
    const row = [...ids, [low], [low], [1], [low]];
    const calls: ReadonlyArray<readonly [keyof typeof dueStatements, readonly unknown[]]> = [
      ["add", row],
      ["replace", row],
      ["get", ids.flat()],
      ["remove", ids],
      ["heads", [[queueKey]]],
      ["take", [[queueKey, rowKey("x")], later, 50, later, "x"]],
      ["hold", [...ids, ["x"], later]],
      ["complete", [...ids, ["x"], [null], [null]]],
      ["itemsByKey", range],
      ["rowsByKey", range],
    ];
    const astray: string[] = [];
    for (const [name, values] of calls) {
      const text = `EXPLAIN (ANALYZE, FORMAT JSON) ${dueStatements[name]}`;
      const plan = JSON.stringify(await database.query(text, values));
      const counts = plan.matchAll(/"(?:Actual Rows|Rows Removed[^"]*)":(\d+)/g);
      if ([...counts].some(([, count]) => Number(count) > 50) || plan.includes('"Seq Scan"'))
        astray.push(`${name}: ${plan}`);
    }
    expect(astray).toEqual([]);
  });

  test("sslmode has the meaning that it has for libpq", async ({ skip }) => {
    const [row] = await database.query("SHOW ssl");
    if (row?.["ssl"] !== "on") skip("the server has no certificate");
    const isEncrypted = async (sslmode: string): Promise<unknown> => {
      const connectionstring = `${database.url}?sslmode=${sslmode}`;
      const spec = { name: "x", namespace: "", metadata: { connectionstring } };
      const settings = readSettings(spec, coordination.options);
      const driver = await createDriver(settings);
      await using connection = createDatabase(driver, { ...settings, clock: testHost().clock });
      const text = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
      return (await connection.query(text, [], options)).rows[0]?.["ssl"];
    };
    expect(await isEncrypted("require")).toBe(true);
    expect(await isEncrypted("disable")).toBe(false);
    // The certificate is of no authority that is known here.
    await expect(isEncrypted("verify-full")).rejects.toMatchObject({ kind: "unavailable" });
  });
});

const reason = hasPostgresServer ? "" : " (skipped: PostgreSQL is not installed)";
describe.skipIf(!hasPostgresServer)(`coordination.postgresql: server${reason}`, () => {
  test(
    "what was acknowledged is there after a server was killed",
    { timeout: 90_000 },
    async () => {
      const server = await postgresServer();
      onTestFinished(() => server.stop());
      const connectionString = `host=127.0.0.1 port=${server.port} user=postgres database=postgres`;
      await using opened = await openComponent(coordination, { connectionString });
      await survivesKill(opened, server);
    },
  );
});
