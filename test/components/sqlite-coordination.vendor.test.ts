import { type ChildProcess, spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { openCoordinationDatabase } from "#components/sqlite/coordination-database.ts";
import { createCoordinationTables } from "#components/sqlite/coordination-schema.ts";
import { readCoordinationSettings } from "#components/sqlite/coordination-settings.ts";
import { coordination, state } from "#components/sqlite/manifest.ts";
import { afterPrefix, compareText } from "#components/sqlite/text-order.ts";
import type { Coordination } from "#core/ports/coordination.ts";
import type { ClaimedEntry, DueEntry } from "#core/ports/due-times.ts";
import type { ActorKey, ActorMember } from "#core/ports/ownership.ts";
import { eventually } from "#test/support/eventually.ts";
import { fakeClock } from "#test/support/fake-clock.ts";
import { openComponent, testHost } from "#test/support/host.ts";
import { temporaryFile } from "#test/support/temporary-file.ts";

const options = { signal: new AbortController().signal };
const dayMs = 86_400_000;
const entryOf = (name: string, more: Partial<DueEntry> = {}): DueEntry => ({
  queue: "q",
  owner: "",
  name,
  dueAt: 1000,
  data: "{}",
  ...more,
});
const memberOf = (id: string): ActorMember => ({
  id,
  namespace: "shop",
  appId: "cart",
  address: "10.0.0.7:50002",
  types: ["counter"],
});
const actorOf = (id: string): ActorKey => ({ namespace: "shop", type: "counter", id });
const claimOptions = { ...options, now: 2000, limit: 1000, holdMs: 5000 };

async function opened(
  metadata: Readonly<Record<string, string>>,
  host = testHost(),
): Promise<Coordination> {
  const component = await openComponent(coordination, metadata, host);
  onTestFinished(() => component[Symbol.asyncDispose]());
  return component;
}
/** A further connection, as another process has it. */
function other(path: string): DatabaseSync {
  const db = new DatabaseSync(path, { timeout: 1000 });
  onTestFinished(() => db.close());
  return db;
}

interface Other {
  readonly child: ChildProcess;
  readonly lines: readonly string[];
  /** Kills it with SIGKILL and waits until it is gone. */
  kill(): Promise<void>;
}
/** A script of test/support as a process of its own, once it has printed its first line. */
async function otherProcess(script: string, ...args: readonly string[]): Promise<Other> {
  const path = join(import.meta.dirname, "../support", script);
  const child = spawn(process.execPath, [path, ...args], { stdio: ["ignore", "pipe", "inherit"] });
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  onTestFinished(() => void child.kill("SIGKILL"));
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
  const process_: Other = {
    child,
    get lines() {
      return output.split("\n").slice(0, -1);
    },
    kill: () => {
      child.kill("SIGKILL");
      return ended;
    },
  };
  await eventually(() => process_.lines.length > 0, { withinMs: 30_000, what: script });
  return process_;
}

describe("several processes", () => {
  const start = async (holdMs: number) => {
    const connectionString = temporaryFile("x.db");
    const { dueTimes } = await opened({ connectionString, busyTimeout: "20s" });
    const others = await Promise.all(
      Array.from({ length: 4 }, () =>
        otherProcess("sqlite-claimer.ts", connectionString, "q", String(holdMs)),
      ),
    );
    const names: string[] = [];
    const put = async (count: number): Promise<void> => {
      const more = Array.from({ length: count }, (_, i) => `n${names.length + i}`);
      names.push(...more);
      await Promise.all(more.map((name) => dueTimes.put(entryOf(name), true, options)));
    };
    const fired = (): readonly string[] =>
      others.flatMap(({ lines }) => lines.filter((line) => line !== "open")).sort();
    const allCompleted = (): Promise<unknown> =>
      eventually(
        async () => {
          const left = await dueTimes.list({ queue: "q" }, { ...options, limit: 1 });
          return left.length === 0 && new Set(fired()).size >= names.length;
        },
        { withinMs: 30_000, what: "all to be completed" },
      );
    return { others, names, put, fired, allCompleted };
  };

  test("claims of four at once fire each entry exactly once", { timeout: 60_000 }, async () => {
    const { others, names, put, fired, allCompleted } = await start(60_000);
    await put(600);
    // Until each has had some.
    while (others.some(({ lines }) => lines.length < 2)) await put(20);
    await allCompleted();
    expect(fired()).toEqual(names.toSorted());
  });

  test("what killed ones had claimed is fired by the others", { timeout: 60_000 }, async () => {
    const { others, names, put, fired, allCompleted } = await start(1000);
    for (const victim of others.slice(0, 2)) {
      const { length } = victim.lines;
      while (victim.lines.length < length + 20) await put(20);
      await victim.kill();
    }
    await allCompleted();
    expect([...new Set(fired())]).toEqual(names.toSorted());
  });

  test("the lease of a killed one ends, and its actor goes to another with a greater fence", async () => {
    const connectionString = temporaryFile("x.db");
    const { ownership } = await opened({ connectionString });
    const actor = actorOf("1");
    const dying = await otherProcess(
      "sqlite-member.ts",
      connectionString,
      "2000",
      JSON.stringify(memberOf("dying")),
      JSON.stringify(actor),
    );
    expect(dying.lines).toEqual(["dying"]);
    await ownership.join(memberOf("next"), 60_000, options);
    const before = await ownership.claim(actor, "next", options);
    expect(before.owner.id).toBe("dying");
    await dying.kill();
    const after = await eventually(
      async () => {
        const claim = await ownership.claim(actor, "next", options);
        return claim.owner.id === "next" && claim;
      },
      { withinMs: 10_000, what: "the actor to be free" },
    );
    expect(after.fence).toBeGreaterThan(before.fence);
    const alive = await ownership.renew(["next"], 60_000, options);
    expect(alive.map(({ id }) => id)).toEqual(["next"]);
  });

  test("all of those that open a new file at once get it", async () => {
    const connectionString = temporaryFile("x.db");
    const all = await Promise.all(Array.from({ length: 10 }, () => opened({ connectionString })));
    await Promise.all(all.map(({ dueTimes }, i) => dueTimes.put(entryOf(`n${i}`), false, options)));
    const { entries } = await (all[3] as Coordination).dueTimes.claim(["q"], claimOptions);
    expect(entries).toHaveLength(10);
  });
});

describe("another process holds the database", () => {
  test("changes are unavailable after busyTimeout, nothing is lost, and the next ones go through", async () => {
    const path = temporaryFile("x.db");
    const { dueTimes, ownership } = await opened({ connectionString: path, busyTimeout: "100ms" });
    await ownership.join(memberOf("a"), 60_000, options);
    await dueTimes.put(entryOf("kept"), true, options);
    const [held] = (await dueTimes.claim(["q"], claimOptions)).entries;
    await dueTimes.put(entryOf("due"), true, options);
    const holder = other(path);
    holder.exec("BEGIN IMMEDIATE");
    const results = await Promise.allSettled([
      dueTimes.put(entryOf("late"), true, options),
      dueTimes.complete([{ entry: held as ClaimedEntry }], options),
      dueTimes.claim(["q"], claimOptions),
      dueTimes.delete(entryOf("kept"), options),
      ownership.claim(actorOf("1"), "a", options),
      ownership.renew(["a"], 60_000, options),
      ownership.join(memberOf("b"), 60_000, options),
    ]);
    for (const result of results)
      expect(result).toMatchObject({ status: "rejected", reason: { kind: "unavailable" } });
    expect(await dueTimes.get(entryOf("late"), options)).toBeUndefined();
    expect(await ownership.ownerOf(actorOf("1"), options)).toBeUndefined();
    expect((await ownership.renew([], 0, options)).map(({ id }) => id)).toEqual(["a"]);
    holder.exec("ROLLBACK");
    expect(await dueTimes.complete([{ entry: held as ClaimedEntry }], options)).toEqual([true]);
    expect(await dueTimes.put(entryOf("late"), false, options)).toBe(true);
    const { entries } = await dueTimes.claim(["q"], claimOptions);
    expect(entries.map(({ name }) => name).sort()).toEqual(["due", "late"]);
  });
  test("changes wait for it and are not lost", async () => {
    const path = temporaryFile("x.db");
    const { dueTimes } = await opened({ connectionString: path, busyTimeout: "20s" });
    const holder = other(path);
    holder.exec("BEGIN EXCLUSIVE");
    let isSettled = false;
    const putting = dueTimes.put(entryOf("a"), true, options).finally(() => (isSettled = true));
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(isSettled).toBe(false);
    holder.exec("COMMIT");
    expect(await putting).toBe(true);
    expect(await dueTimes.get(entryOf("a"), options)).toEqual(entryOf("a"));
  });
});

describe("a full disk", () => {
  test("refuses a put, keeps the rest, and puts again once there is room", async () => {
    const connectionString = `${temporaryFile("x.db")}?_pragma=max_page_count(64)`;
    const { dueTimes, ownership } = await opened({ connectionString });
    await ownership.join(memberOf("a"), 60_000, options);
    const large = (i: number): DueEntry => entryOf(`n${i}`, { data: "x".repeat(20_000) });
    const results = await Promise.allSettled(
      Array.from({ length: 40 }, (_, i) => dueTimes.put(large(i), true, options)),
    );
    const refused = results.flatMap((result) =>
      result.status === "rejected" ? [result.reason as Error] : [],
    );
    expect(refused.length).toBeGreaterThan(10);
    for (const reason of refused)
      expect(reason).toMatchObject({ kind: "unavailable", message: "database or disk is full" });
    const { entries } = await dueTimes.claim(["q"], claimOptions);
    const acknowledged = results.flatMap(({ status }, i) => (status === "fulfilled" ? [i] : []));
    expect(entries.map(({ name }) => name).sort()).toEqual(acknowledged.map((i) => `n${i}`).sort());
    for (const { data } of entries) expect(data).toHaveLength(20_000);
    expect((await ownership.renew(["a"], 60_000, options)).map(({ id }) => id)).toEqual(["a"]);
    expect(await dueTimes.complete([{ entry: entries[0] as ClaimedEntry }], options)).toEqual([
      true,
    ]);
    expect(await dueTimes.put(large(100), true, options)).toBe(true);
  });
  test("claims all that it was asked for or nothing", async () => {
    const path = temporaryFile("x.db");
    const { dueTimes } = await opened({ connectionString: path });
    for (let i = 0; i < 20; i++) await dueTimes.put(entryOf(`n${i}`), true, options);
    other(path).exec(
      `CREATE TRIGGER full BEFORE UPDATE ON outrigger_due WHEN NEW.claim IS NOT NULL AND OLD.name = 'n9'
       BEGIN SELECT RAISE(ABORT, 'no more'); END`,
    );
    await expect(dueTimes.claim(["q"], claimOptions)).rejects.toThrow("no more");
    other(path).exec("DROP TRIGGER full");
    expect((await dueTimes.claim(["q"], claimOptions)).entries).toHaveLength(20);
  });
});

describe("open", () => {
  test("refuses a file that is not a database, and says what to do", async () => {
    const path = temporaryFile("x.db");
    writeFileSync(path, "This is a letter, and not a database.\n".repeat(100));
    await expect(openComponent(coordination, { connectionString: path })).rejects.toThrow(
      `cannot open the SQLite database file:${path}: file is not a database; it was not made by SQLite: name another file`,
    );
  });
  test.each([
    [{}, "missing connection string"],
    [
      { connectionString: "/nowhere/at/all/x.db" },
      "cannot open the SQLite database file:/nowhere/at/all/x.db: unable to open database file; check that its directory exists and may be written to",
    ],
    [{ connectionString: "x.db", timeout: "10ms" }, "must be greater than 1s"],
    [{ connectionString: "x.db", busyTimeout: "soon" }, "busyTimeout must be a duration"],
  ])("refuses %j", async (metadata, why) => {
    await expect(openComponent(coordination, metadata)).rejects.toThrow(why);
  });
  test("refuses a file that may not be written to", async () => {
    const path = temporaryFile("x.db");
    other(path).exec("CREATE TABLE t (x)");
    await expect(
      openComponent(coordination, { connectionString: `${path}?mode=ro` }),
    ).rejects.toThrow(/readonly database; let this process write to it and to its directory$/);
  });
  test("takes the settings of a state store as they are, and shares its file", async () => {
    const path = temporaryFile("x.db");
    const metadata = {
      connectionstring: path,
      timeoutinseconds: "20",
      busytimeout: "2s",
      tablename: "values",
      metadatatablename: "meta",
      cleanupinterval: "1h",
      actorstatestore: "true",
      keyprefix: "none",
    };
    const spec = { name: "store", namespace: "default", metadata };
    const store = await state.open(spec, testHost());
    onTestFinished(() => store[Symbol.asyncDispose]());
    const { dueTimes } = await coordination.open(spec, testHost()).then((component) => {
      onTestFinished(() => component[Symbol.asyncDispose]());
      return component;
    });
    await store.write({ op: "put", key: "k", value: "1", metadata: {} }, options);
    await dueTimes.put(entryOf("a"), true, options);
    expect(await dueTimes.get(entryOf("a"), options)).toEqual(entryOf("a"));
    expect((await store.read([{ key: "k", metadata: {} }], options))[0]?.value).toBe("1");
  });
  test("keeps databases in memory apart", async () => {
    const all = await Promise.all([1, 2].map(() => opened({ connectionString: ":memory:" })));
    await all[0]?.dueTimes.put(entryOf("a"), true, options);
    expect(await all[1]?.dueTimes.get(entryOf("a"), options)).toBeUndefined();
  });
  test("calls after the end are refused, and what was under way is kept", async () => {
    const connectionString = temporaryFile("x.db");
    const closing = await openComponent(coordination, { connectionString });
    const putting = closing.dueTimes.put(entryOf("a"), true, options);
    await closing[Symbol.asyncDispose]();
    await closing[Symbol.asyncDispose]();
    expect(await putting).toBe(true);
    for (const call of [
      closing.dueTimes.put(entryOf("b"), true, options),
      closing.dueTimes.get(entryOf("a"), options),
      closing.ownership.renew([], 0, options),
    ])
      await expect(call).rejects.toMatchObject({ kind: "unavailable" });
    const { dueTimes } = await opened({ connectionString });
    expect(await dueTimes.get(entryOf("a"), options)).toEqual(entryOf("a"));
  });
});

describe("tables", () => {
  const versionOf = (db: DatabaseSync): unknown =>
    db.prepare("SELECT value FROM outrigger_metadata WHERE key = 'coordination-version'").get()?.[
      "value"
    ];

  test.each([
    ["true", [2, 2]],
    ["false", [2, 1]],
  ])("wait for the disk where they must (disableWAL %s)", async (disablewal, expected) => {
    const metadata = { connectionstring: temporaryFile("x.db"), disablewal };
    const settings = readCoordinationSettings({ name: "x", namespace: "", metadata });
    const database = await openCoordinationDatabase(settings, testHost().clock);
    onTestFinished(() => database[Symbol.asyncDispose]());
    const levels = [database.durable, database.quick].map(
      ({ db }) => db.prepare("PRAGMA synchronous").get()?.["synchronous"],
    );
    expect(levels).toEqual(expected);
  });
  test("are made once, with their version", async () => {
    const path = temporaryFile("x.db");
    await opened({ connectionString: path });
    await opened({ connectionString: path, group: "other" });
    const db = other(path);
    expect(versionOf(db)).toBe("1");
    expect(
      db
        .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")
        .all()
        .map(({ name }) => name),
    ).toEqual(["outrigger_due", "outrigger_members", "outrigger_metadata", "outrigger_owners"]);
  });
  test("of a later version serve as well, with columns and rows that this one does not know", async () => {
    const path = temporaryFile("x.db");
    const db = other(path);
    createCoordinationTables(db);
    for (const table of ["members", "owners", "due"])
      db.exec(`ALTER TABLE outrigger_${table} ADD COLUMN later TEXT`);
    db.exec("UPDATE outrigger_metadata SET value = '2' WHERE key = 'coordination-version'");
    const { dueTimes, ownership } = await opened({ connectionString: path });
    await ownership.join(memberOf("a"), 60_000, options);
    expect((await ownership.claim(actorOf("1"), "a", options)).owner).toEqual(memberOf("a"));
    await dueTimes.put(entryOf("a"), true, options);
    db.exec("UPDATE outrigger_due SET later = 'x'");
    const [held] = (await dueTimes.claim(["q"], claimOptions)).entries;
    const completion = { entry: held as ClaimedEntry, next: { dueAt: 9000, data: "2" } };
    expect(await dueTimes.complete([completion], options)).toEqual([true]);
    expect(db.prepare("SELECT data, later FROM outrigger_due").get()).toMatchObject({
      data: "2",
      later: "x",
    });
    expect(versionOf(db)).toBe("2");
  });
  test("of a later version are refused where they say so, and left as they are", async () => {
    const path = temporaryFile("x.db");
    const db = other(path);
    createCoordinationTables(db);
    db.exec("INSERT INTO outrigger_metadata VALUES ('coordination-oldest-version', '2')");
    await expect(openComponent(coordination, { connectionString: path })).rejects.toThrow(
      /later version of Outrigger.*; upgrade this one as well \(.*needs 2\)$/,
    );
  });
});

describe("statements", () => {
  test("are led to their rows by an index, all of them", async () => {
    const prepare = vi.spyOn(DatabaseSync.prototype, "prepare");
    onTestFinished(() => prepare.mockRestore());
    const path = temporaryFile("x.db");
    await opened({ connectionString: path });
    const store = await openComponent(state, { connectionString: path });
    onTestFinished(() => store[Symbol.asyncDispose]());
    await store.fenced?.raise({ scope: "a", fence: 1 }, options);
    const statements = new Set(prepare.mock.calls.map(([sql]) => sql));
    prepare.mockRestore();
    const db = other(path);
    let count = 0;
    for (const sql of statements) {
      if (!/outrigger_(?:members|owners|due|fences)/.test(sql)) continue;
      count++;
      const plan = db
        .prepare(`EXPLAIN QUERY PLAN ${sql}`)
        .all()
        .map(({ detail }) => String(detail));
      // The list of queues of a claim is a table as well, all of which is asked for.
      const scans = plan.filter((line) => /^SCAN (?!q VIRTUAL TABLE)/.test(line));
      expect({ sql, scans }).toEqual({ sql, scans: [] });
      // Else rows are read that are not returned; counting reads all that it counts, for people alone.
      const isCount = sql.includes("count(*)");
      const isSort = (line: string): boolean => line.includes("TEMP B-TREE") && !isCount;
      expect({ sql, sorts: plan.filter(isSort) }).toEqual({
        sql,
        sorts: [],
      });
    }
    expect(count).toBeGreaterThan(25);
  });
  test("take thousands of entries, of many queues that are due in turn, in order", async () => {
    const { dueTimes } = await opened({ connectionString: temporaryFile("x.db") });
    const entries = Array.from({ length: 1500 }, (_, i) =>
      entryOf(`n${i}`, { queue: `q${i % 7}`, dueAt: (i * 7919) % 1501 }),
    );
    await Promise.all(entries.map((entry) => dueTimes.put(entry, true, options)));
    const queues = Array.from({ length: 7 }, (_, i) => `q${i}`);
    const claimed = await dueTimes.claim(queues, { ...claimOptions, now: 1200, limit: 5000 });
    const due = entries.map(({ dueAt }) => dueAt).sort((a, b) => a - b);
    expect(claimed.entries.map(({ dueAt }) => dueAt)).toEqual(due.filter((at) => at <= 1200));
    expect(claimed.nextAt).toBe(due.find((at) => at > 1200));
    const ended = await dueTimes.complete(
      claimed.entries.map((entry) => ({ entry })),
      options,
    );
    expect(ended).toEqual(claimed.entries.map(() => true));
    const left = await dueTimes.list({ queue: "q3" }, { ...options, limit: 5000 });
    expect(left.every(({ dueAt }) => dueAt > 1200)).toBe(true);
    await dueTimes.deleteAll({ queue: "q3", namePrefix: "n1" }, options);
    expect(
      (await dueTimes.list({ queue: "q3" }, { ...options, limit: 5000 })).map(({ name }) => name),
    ).toEqual(left.map(({ name }) => name).filter((name) => !name.startsWith("n1")));
  });
  test("find a prefix with all owners, however many have no such name", async () => {
    const { dueTimes } = await opened({ connectionString: temporaryFile("x.db") });
    const owners = Array.from({ length: 1000 }, (_, i) => `o${String(i).padStart(4, "0")}`);
    const put = (owner: string, name: string): Promise<boolean> =>
      dueTimes.put(entryOf(name, { owner }), true, options);
    await Promise.all(owners.flatMap((owner) => ["a", "c"].map((name) => put(owner, name))));
    const some = owners.filter((_, i) => i % 300 === 7);
    await Promise.all(
      some.flatMap((owner) => ["b", "b1", "b\u{10ffff}"].map((n) => put(owner, n))),
    );
    const selection = { queue: "q", namePrefix: "b" };
    const all = await dueTimes.list(selection, { ...options, limit: 100 });
    expect(all.map(({ owner, name }) => owner + name)).toEqual(
      some.flatMap((owner) => ["b", "b1", "b\u{10ffff}"].map((name) => owner + name)),
    );
    const page = await dueTimes.list(selection, {
      ...options,
      limit: 5,
      after: all[3] as DueEntry,
    });
    expect(page).toEqual(all.slice(4, 9));
    await dueTimes.deleteAll(selection, options);
    expect(await dueTimes.list(selection, { ...options, limit: 100 })).toEqual([]);
    expect(await dueTimes.list({ queue: "q" }, { ...options, limit: 5000 })).toHaveLength(2000);
  });
  test("keep a zero character in names, and put what follows a prefix where SQLite does", async () => {
    const { dueTimes } = await opened({ connectionString: temporaryFile("x.db") });
    const names = ["a", "a\0", "a\0b", "a\0c", "b", "\u{ffff}", "\u{10000}", "\u{10ffff}"];
    for (const name of [...names].reverse()) await dueTimes.put(entryOf(name), false, options);
    const listed = await dueTimes.list({ queue: "q" }, { ...options, limit: 100 });
    expect(listed.map(({ name }) => name)).toEqual(names);
    expect(names.toSorted(compareText)).toEqual(names);
    const { entries } = await dueTimes.claim(["q"], claimOptions);
    expect(new Set(entries.map(({ name }) => name))).toEqual(new Set(names));
    expect(afterPrefix("a\u{d7ff}")).toBe("a\u{e000}");
    expect(afterPrefix("a\u{10ffff}")).toBe("b");
    expect(afterPrefix("\u{10ffff}")).toBeUndefined();
  });
});

describe("what nobody needs any more", () => {
  const countOf = (db: DatabaseSync, table: string): unknown =>
    db.prepare(`SELECT count(*) AS n FROM ${table}`).get()?.["n"];
  const join = (ownership: Coordination["ownership"], id: string): Promise<void> =>
    ownership.join(memberOf(id), dayMs * 10, options);
  const claimMany = async (
    { ownership }: Coordination,
    member: string,
    prefix: string,
  ): Promise<unknown> =>
    Promise.all(
      Array.from({ length: 640 }, (_, i) =>
        ownership.claim(actorOf(`${prefix}${i}`), member, options),
      ),
    );

  test("owners that have left or released go after a day, those that are there stay", async () => {
    const path = temporaryFile("x.db");
    const clock = fakeClock();
    const component = await opened({ connectionString: path }, testHost({ clock }));
    for (const id of ["stays", "leaves"]) await join(component.ownership, id);
    await claimMany(component, "stays", "s");
    await claimMany(component, "leaves", "l");
    const db = other(path);
    await component.ownership.leave("leaves", options);
    await claimMany(component, "stays", "t");
    expect(countOf(db, "outrigger_owners")).toBe(1920);
    await clock.advance(dayMs + 1);
    await claimMany(component, "stays", "u");
    expect(countOf(db, "outrigger_owners")).toBe(1920);
    expect(
      db.prepare("SELECT count(*) AS n FROM outrigger_owners WHERE member = 'leaves'").get()?.["n"],
    ).toBe(0);
  });
  test("fences grow where the row of an actor is gone, and where the clock has been put back", async () => {
    const path = temporaryFile("x.db");
    const clock = fakeClock();
    const { ownership } = await opened({ connectionString: path }, testHost({ clock }));
    await join(ownership, "a");
    const actor = actorOf("1");
    const { fence } = await ownership.claim(actor, "a", options);
    await ownership.release([{ actor, fence }], options);
    await clock.advance(1);
    other(path).exec("DELETE FROM outrigger_owners");
    const second = await ownership.claim(actor, "a", options);
    expect(second.fence).toBeGreaterThan(fence);
    await ownership.release([{ actor, fence: second.fence }], options);
    const earlier = testHost({ clock: { ...clock, now: () => clock.now() - dayMs } });
    const late = await opened({ connectionString: path }, earlier);
    const third = await late.ownership.claim(actor, "a", options);
    expect(third.fence).toBeGreaterThan(second.fence);
  });
  test("members whose leases have ended go when others renew", async () => {
    const path = temporaryFile("x.db");
    const clock = fakeClock();
    const { ownership } = await opened({ connectionString: path }, testHost({ clock }));
    await ownership.join(memberOf("a"), 1000, options);
    await ownership.join(memberOf("b"), 5000, options);
    await clock.advance(1000);
    await ownership.renew(["b"], 5000, options);
    expect(countOf(other(path), "outrigger_members")).toBe(1);
  });
  test("fences of the state store go a day after they were last named", async () => {
    const path = temporaryFile("x.db");
    const clock = fakeClock();
    const store = await openComponent(state, { connectionString: path }, testHost({ clock }));
    onTestFinished(() => store[Symbol.asyncDispose]());
    const db = other(path);
    expect(
      db.prepare("SELECT count(*) AS n FROM sqlite_schema WHERE name = 'outrigger_fences'").get(),
    ).toMatchObject({ n: 0 });
    const raiseMany = async (prefix: string): Promise<unknown> =>
      Promise.all(
        Array.from({ length: 640 }, (_, i) =>
          store.fenced?.raise({ scope: `${prefix}${i}`, fence: 1 }, options),
        ),
      );
    await raiseMany("a");
    await clock.advance(dayMs);
    await raiseMany("b");
    await raiseMany("c");
    expect(countOf(db, "outrigger_fences")).toBe(1920);
    await clock.advance(dayMs / 2);
    await raiseMany("c");
    await raiseMany("d");
    expect(countOf(db, "outrigger_fences")).toBe(1920);
    await expect(store.fenced?.raise({ scope: "b1", fence: 0 }, options)).rejects.toMatchObject({
      kind: "fenced",
    });
  });
});
