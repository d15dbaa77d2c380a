import { describe, expect, onTestFinished, test } from "vitest";
import { createDueTables } from "#components/mysql/due-tables.ts";
import { createDriver } from "#components/mysql/client.ts";
import { coordination } from "#components/mysql/manifest.ts";
import { readSettings } from "#components/mysql/settings.ts";
import { createDueTimes } from "#components/_shared/sql-coordination/due-times.ts";
import { createDatabase } from "#components/_shared/sql/database.ts";
import { entryOf, sqlCoordinationTests } from "#test/contracts/sql-coordination.ts";
import { survivesKill } from "#test/contracts/survives-kill.ts";
import { hasMariadbServer, mariadbServer } from "#test/support/database-servers.ts";
import { openComponent, testHost } from "#test/support/host.ts";
import { describeWith } from "#test/support/services.ts";
import { mysqlDatabase } from "#test/support/sql-databases.ts";

const options = { signal: new AbortController().signal };

await describeWith("mysql", "coordination.mysql", (service) => {
  const database = mysqlDatabase(service);
  sqlCoordinationTests({ manifest: coordination, database, port: service.port });

  test("an index leads to the rows, however many there are", async () => {
    const connectionString = database.url;
    await using opened = await openComponent(coordination, { connectionString, group: "reads" });
    const metadata = { connectionstring: connectionString, maxconns: "1" };
    const settings = readSettings({ name: "x", namespace: "", metadata }, coordination.options);
    const driver = await createDriver(settings);
    await using connection = createDatabase(driver, { ...settings, clock: testHost().clock });
    const dueTimes = createDueTimes(createDueTables(connection), "reads");
    await opened.dueTimes.put(entryOf(), true, options);
    await database.query(
      `INSERT INTO outrigger_due (queue_key, item_key, queue, item, due_at, next_at, claim, data)
       WITH RECURSIVE numbers (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM numbers WHERE i < 900)
       SELECT queue_key, CONCAT('o', CHAR(0), a.i, '-', b.i), queue, CONCAT('o', CHAR(0), a.i, '-', b.i),
         due_at, next_at + a.i * 1000 + b.i, '', data
       FROM outrigger_due, numbers a, numbers b WHERE b.i <= 30 AND queue = 'q' AND data = '{}' AND claim = ''`,
    );
    /** Rows and index entries that the call reads on its only connection. */
    const readsOf = async (call: () => Promise<unknown>): Promise<number> => {
      const count = async (): Promise<number> => {
        const text = "SHOW SESSION STATUS LIKE 'Handler_read%'";
        const { rows } = await connection.query(text, [], options);
        return rows.reduce((sum, row) => sum + Number(row["Value"]), 0);
      };
      const before = await count();
      await call();
      return (await count()) - before;
    };
    const now = 9e15;
    const queues = ["q", "none"];
    const limited = { ...options, limit: 50 };
    let held: Awaited<ReturnType<typeof dueTimes.claim>>["entries"] = [];
    const astray: string[] = [];
    for (const call of [
      async () =>
        ({ entries: held } = await dueTimes.claim(queues, { ...limited, now, holdMs: 1 })),
      () => dueTimes.hold(held, now, options),
      () =>
        dueTimes.complete(
          held.map((entry) => ({ entry })),
          options,
        ),
      () => dueTimes.put(entryOf({ owner: "o", name: "9-9" }), true, options),
      () => dueTimes.put(entryOf({ owner: "o", name: "9-9" }), false, options),
      () => dueTimes.get(entryOf({ owner: "o", name: "9-9" }), options),
      () => dueTimes.delete(entryOf({ owner: "o", name: "9-9" }), options),
      () => dueTimes.list({ queue: "q", owner: "o", namePrefix: "9" }, limited),
      () => dueTimes.deleteAll({ queue: "q", owner: "o", namePrefix: "9-1" }, options),
    ])
      if ((await readsOf(call)) > 1000) astray.push(String(call));
    expect(astray).toEqual([]);
    expect(held).toHaveLength(50);
  });

  test("a database that the connection does not name is made", async () => {
    const schemaName = `${database.name}_own`;
    const connectionString = `root@tcp(${service.address})/?allowNativePasswords=true`;
    await using opened = await openComponent(coordination, { connectionString, schemaName });
    await opened.dueTimes.put(entryOf(), true, options);
    expect(await database.query(`SELECT next_at FROM ${schemaName}.outrigger_due`)).toHaveLength(1);
    await database.query(`DROP DATABASE ${schemaName}`);
  });
});

const reason = hasMariadbServer ? "" : " (skipped: MariaDB is not installed)";
describe.skipIf(!hasMariadbServer)(`coordination.mysql: server${reason}`, () => {
  test(
    "what was acknowledged is there after a server was killed",
    { timeout: 90_000 },
    async () => {
      const server = await mariadbServer();
      onTestFinished(() => server.stop());
      const connectionString = `root@tcp(127.0.0.1:${server.port})/`;
      await using opened = await openComponent(coordination, { connectionString });
      await survivesKill(opened, server);
    },
  );
});
