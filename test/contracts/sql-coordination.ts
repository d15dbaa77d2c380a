import { expect, onTestFinished, test } from "vitest";
import type { Coordination } from "#core/ports/coordination.ts";
import type { ClaimedEntry, DueEntry, DueSelection } from "#core/ports/due-times.ts";
import type { Manifest } from "#core/ports/manifest.ts";
import type { ActorMember } from "#core/ports/ownership.ts";
import { selectsAsModel } from "#test/contracts/due-selection.ts";
import { cable } from "#test/support/cable.ts";
import { eventually } from "#test/support/eventually.ts";
import { openComponent } from "#test/support/host.ts";
import type { TestDatabase } from "#test/support/sql-databases.ts";

export interface SqlSubject {
  readonly manifest: Manifest<"coordination">;
  readonly database: TestDatabase;
  readonly port: number;
}

const options = { signal: new AbortController().signal };
const now = Date.UTC(2030, 0, 1);
const claimOptions = { ...options, now, limit: 1000, holdMs: 60_000 };
const leaseMs = 30_000;

export const memberOf = (): ActorMember => ({
  id: crypto.randomUUID(),
  namespace: "shop",
  appId: "cart",
  address: "10.0.0.7:50002",
  types: ["counter"],
});
const actor = (id: string) => ({ namespace: "shop", type: "counter", id });
export const entryOf = (more: Partial<DueEntry> = {}): DueEntry => ({
  queue: "q",
  owner: "",
  name: "a",
  dueAt: now,
  data: "{}",
  ...more,
});

/** What drivers of SQL servers have in common beyond the contracts. */
export function sqlCoordinationTests({ manifest, database, port }: SqlSubject): void {
  const opened = async (more: Readonly<Record<string, string>> = {}): Promise<Coordination> => {
    const metadata = { connectionString: database.url, group: crypto.randomUUID(), ...more };
    const component = await openComponent(manifest, metadata);
    onTestFinished(() => component[Symbol.asyncDispose]());
    return component;
  };

  test("claims at once of several pools fire each entry exactly once", async () => {
    const group = crypto.randomUUID();
    const pools = await Promise.all(Array.from({ length: 3 }, () => opened({ group })));
    const queues = ["a", "b", "c"];
    const entries = Array.from({ length: 900 }, (_, i) =>
      entryOf({ queue: queues[i % 3] as string, name: `n${i}`, dueAt: now - i }),
    );
    await Promise.all(entries.map((entry) => pools[0]!.dueTimes.put(entry, true, options)));
    const fired: string[] = [];
    await Promise.all(
      [...pools, ...pools].map(async ({ dueTimes }) => {
        for (;;) {
          const { entries: some, nextAt } = await dueTimes.claim(queues, {
            ...claimOptions,
            limit: 17,
          });
          fired.push(...some.map(({ name }) => name));
          const ended = await dueTimes.complete(
            some.map((entry) => ({ entry })),
            options,
          );
          expect(ended).toEqual(some.map(() => true));
          if (some.length === 0 && nextAt === undefined) return;
        }
      }),
    );
    expect(fired.sort()).toEqual(entries.map(({ name }) => name).sort());
  });

  test("claim takes those due longest, whatever queues they are in", async () => {
    const { dueTimes } = await opened();
    const queues = Array.from({ length: 100 }, (_, i) => `q${i}`);
    const entries = Array.from({ length: 400 }, (_, i) =>
      entryOf({ queue: queues[(i * 7) % 100] as string, name: `n${i}`, dueAt: now - 1000 + i }),
    );
    await Promise.all(entries.map((entry) => dueTimes.put(entry, false, options)));
    const { entries: first, nextAt } = await dueTimes.claim(queues, { ...claimOptions, limit: 90 });
    expect(first.map(({ name }) => name)).toEqual(entries.slice(0, 90).map(({ name }) => name));
    expect(new Set(first.map(({ claim }) => claim)).size).toBe(90);
    expect(nextAt).toBe(now - 910);
    expect((await dueTimes.hold(first, now + 1, options)).size).toBe(90);
  });

  test("names of any length and any characters are kept and in order", async () => {
    const { dueTimes } = await opened();
    const long = "x".repeat(360);
    const texts = ["", "a", "a\0", "a\0b", "\u0001", "\0", "b ", "B", "ü"].concat(
      [long, `${long}1234567`, `${long}12345678`, `${long}12345678${"y".repeat(30)}`],
      Array.from({ length: 6 }, (_, i) => `${long}12345678${"y".repeat(40)}${(i * 5) % 6}`),
      ["ü".repeat(3000), `${"ü".repeat(3000)}1`],
    );
    const selections: DueSelection[] = [
      { queue: "q" },
      ...["", "a", long, texts.at(-3) as string, texts.at(-1) as string].flatMap((text) => [
        { queue: "q", owner: text },
        { queue: "q", namePrefix: text },
        { queue: "q", owner: text, namePrefix: long },
      ]),
    ];
    await selectsAsModel(dueTimes, { texts, selections, limits: [13, 1000] });
    for (const name of texts)
      await dueTimes.put(entryOf({ owner: long, name, data: name }), true, options);
    for (const name of texts)
      expect(await dueTimes.get(entryOf({ owner: long, name }), options)).toMatchObject({
        data: name,
      });
  }, 60_000);

  test("groups, queues, actors and members may have long names", async () => {
    const long = `${"ü".repeat(5000)}\0`;
    const { dueTimes, ownership } = await opened({ group: long.slice(0, -1) });
    const member = { ...memberOf(), id: long, address: long, types: [long] };
    await ownership.join(member, leaseMs, options);
    const key = { namespace: long, type: long, id: long };
    const { fence } = await ownership.claim(key, long, options);
    expect(await ownership.ownerOf(key, options)).toEqual({ owner: member, fence });
    expect(await ownership.ownerOf({ ...key, id: `${long}1` }, options)).toBeUndefined();
    await dueTimes.put(entryOf({ queue: long }), false, options);
    await dueTimes.put(entryOf({ queue: `${long}1` }), false, options);
    expect((await dueTimes.claim([long], claimOptions)).entries).toHaveLength(1);
  });

  test("connections that the server has closed are replaced", async () => {
    const { dueTimes } = await opened();
    for (let i = 0; i < 3; i++) {
      await Promise.all(
        Array.from({ length: 8 }, (_, n) =>
          dueTimes.put(entryOf({ name: `${i}-${n}` }), n % 2 === 0, options),
        ),
      );
      await database.closeConnections();
      await eventually(() => dueTimes.get(entryOf({ name: `${i}-7` }), options));
    }
  });

  test("a server that is gone, or does not answer, is unavailable until it is back", async () => {
    const wire = await cable(port);
    onTestFinished(() => wire[Symbol.dispose]());
    const connectionString = database.url.replace(/:\d+\//, `:${wire.port}/`);
    const { dueTimes, ownership } = await opened({ connectionString, timeout: "500ms" });
    await dueTimes.put(entryOf(), true, options);
    wire.cut();
    await expect(ownership.renew([], leaseMs, options)).rejects.toMatchObject({
      kind: "unavailable",
    });
    await eventually(() => dueTimes.get(entryOf(), options));
    wire[Symbol.dispose]();
    for (const call of [
      () => ownership.renew(["x"], leaseMs, options),
      () => dueTimes.put(entryOf(), true, options),
      () => dueTimes.claim(["q"], claimOptions),
    ])
      await expect(call()).rejects.toMatchObject({ kind: "unavailable" });
  });

  test("a call that waits for a lock ends with its signal, or after the timeout", async () => {
    const { ownership } = await opened({ timeout: "1s", maxConns: "1" });
    const member = memberOf();
    await ownership.join(member, leaseMs, options);
    await database.inTransaction(
      [`UPDATE outrigger_members SET lease_ends = lease_ends + 1`],
      async () => {
        const gone = new AbortController();
        const leaving = ownership.leave(member.id, gone);
        setTimeout(() => gone.abort(new Error("gone")), 100);
        await expect(leaving).rejects.toThrow("gone");
        await expect(ownership.leave(member.id, options)).rejects.toMatchObject({
          kind: "unavailable",
        });
      },
    );
    await ownership.leave(member.id, options);
    expect(await ownership.renew([], leaseMs, options)).toEqual([]);
  });

  test("an actor stays with a member whose renewal is under way when its lease ends", async () => {
    const group = crypto.randomUUID();
    const { ownership } = await opened({ group });
    const [member, other] = [memberOf(), memberOf()];
    await ownership.join(member, 300, options);
    await ownership.join(other, leaseMs, options);
    const first = await ownership.claim(actor("1"), member.id, options);
    let claiming: ReturnType<typeof ownership.claim> | undefined;
    await database.inTransaction(
      ["UPDATE outrigger_members SET lease_ends = lease_ends + 60000"],
      async () => {
        await eventually(async () => !(await ownership.ownerOf(actor("1"), options)));
        claiming = ownership.claim(actor("1"), other.id, options);
        await new Promise((resolve) => setTimeout(resolve, 100));
      },
    );
    expect(await claiming).toEqual(first);
    expect((await ownership.renew([member.id], leaseMs, options)).length).toBe(2);
  });

  test("owners that have left are forgotten after a day, and fences grow all the same", async () => {
    const { ownership } = await opened();
    const [stays, leaves] = [memberOf(), memberOf()];
    for (const member of [stays, leaves]) await ownership.join(member, leaseMs, options);
    const claimMany = (from: number, { id }: ActorMember) =>
      Promise.all(
        Array.from({ length: 64 }, (_, i) => ownership.claim(actor(`${from + i}`), id, options)),
      );
    await database.query("DELETE FROM outrigger_owners");
    await claimMany(0, stays);
    const [claim] = await claimMany(100, leaves);
    const count = async (): Promise<number> =>
      (await database.query("SELECT actor_key FROM outrigger_owners")).length;
    await ownership.leave(leaves.id, options);
    await claimMany(200, stays);
    expect(await count()).toBe(192);
    await database.query("UPDATE outrigger_owners SET touched = touched - 86500000");
    await claimMany(300, stays);
    expect(await count()).toBe(192);
    expect((await ownership.ownerOf(actor("0"), options))?.owner).toEqual(stays);
    const again = await ownership.claim(actor("100"), stays.id, options);
    expect(again.fence).toBeGreaterThan(claim!.fence);
  });

  test("disposing waits for what runs, and refuses what comes later", async () => {
    const group = crypto.randomUUID();
    const { dueTimes, ...component } = await opened({ group });
    const names = Array.from({ length: 600 }, (_, i) => `n${i}`);
    const puts = names.map((name) => dueTimes.put(entryOf({ name }), true, options));
    const end = component[Symbol.asyncDispose].bind(component);
    await Promise.all([...puts, end()]);
    await expect(dueTimes.put(entryOf(), true, options)).rejects.toMatchObject({
      kind: "unavailable",
      message: expect.stringContaining("closed"),
    });
    const again = await opened({ group });
    expect((await again.dueTimes.claim(["q"], claimOptions)).entries).toHaveLength(600);
  });

  test("an error names the server, but not the password", async () => {
    const connectionString = database.url.replace(/@[^/]*/, ":s3cret@127.0.0.1:1");
    const failure = await openComponent(manifest, { connectionString }).catch(
      (reason: Error) => reason,
    );
    expect(failure).toMatchObject({ message: expect.stringContaining("127.0.0.1:1") });
    expect(String((failure as Error).message)).not.toContain("s3cret");
  });

  test("tables are made once by all that start at the same time, and a later version can refuse this one", async () => {
    for (const table of ["members", "owners", "due", "metadata"])
      await database.query(`DROP TABLE outrigger_${table}`);
    const all = await Promise.all(Array.from({ length: 6 }, () => opened({ maxConns: "1" })));
    await Promise.all(all.map(({ dueTimes }) => dueTimes.put(entryOf(), true, options)));
    const metadata = await database.query("SELECT * FROM outrigger_metadata");
    expect(metadata).toEqual([{ key: "coordination-version", value: "1" }]);
    await database.query("ALTER TABLE outrigger_due ADD later INT");
    await database.query("UPDATE outrigger_metadata SET value = '2'");
    const { dueTimes } = await opened();
    await dueTimes.put(entryOf(), true, options);
    await dueTimes.complete(
      (await dueTimes.claim(["q"], claimOptions)).entries.map((entry: ClaimedEntry) => ({ entry })),
      options,
    );
    await database.query(
      "INSERT INTO outrigger_metadata VALUES ('coordination-oldest-version', '2')",
    );
    await expect(opened()).rejects.toThrow(/later version of Outrigger/);
    await database.query("DELETE FROM outrigger_metadata WHERE value = '2'");
  });
}
