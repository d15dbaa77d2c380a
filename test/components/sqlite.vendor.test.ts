import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, onTestFinished, test } from "vitest";
import { state } from "#components/sqlite/manifest.ts";
import type { StateOp, StateStore } from "#core/ports/state-store.ts";
import { eventually } from "#test/support/eventually.ts";
import { fakeClock } from "#test/support/fake-clock.ts";
import { openComponent, testHost } from "#test/support/host.ts";
import { temporaryFile } from "#test/support/temporary-file.ts";

const options = { signal: new AbortController().signal };
const put = (key: string, value: string | Uint8Array, more: object = {}): StateOp => ({
  op: "put",
  key,
  value,
  metadata: {},
  ...more,
});
const valueAt = async (store: StateStore, key: string) =>
  (await store.read([{ key, metadata: {} }], options))[0]?.value;

async function opened(
  metadata: Readonly<Record<string, string>>,
  host = testHost(),
): Promise<StateStore> {
  const store = await openComponent(state, metadata, host);
  onTestFinished(() => store[Symbol.asyncDispose]());
  return store;
}
/** A second connection, as another process has it. */
function other(path: string): DatabaseSync {
  const db = new DatabaseSync(path, { timeout: 1000 });
  onTestFinished(() => db.close());
  return db;
}

describe("tables", () => {
  test("open leaves the tables that Dapr leaves", async () => {
    const path = temporaryFile("x.db");
    await opened({ connectionString: path });
    const db = other(path);
    const columns = (table: string) =>
      db.prepare(`SELECT name, type, "notnull", pk FROM pragma_table_info('${table}')`).all();
    expect(columns("state").map((row) => Object.values(row).join(" "))).toEqual([
      "key TEXT 1 1",
      "value TEXT 1 0",
      "is_binary BOOLEAN 1 0",
      "etag TEXT 1 0",
      "expiration_time TIMESTAMP 0 0",
      "update_time TIMESTAMP 1 0",
    ]);
    expect({ ...db.prepare("SELECT * FROM metadata").get() }).toEqual({
      key: "migrations",
      value: "1",
    });
    expect(db.prepare("PRAGMA journal_mode").get()).toMatchObject({ journal_mode: "wal" });
  });
  test("read understands rows that Dapr wrote, and write leaves such rows", async () => {
    const path = temporaryFile("x.db");
    const db = other(path);
    db.exec(`PRAGMA journal_mode=WAL;
      CREATE TABLE metadata (key text NOT NULL PRIMARY KEY, value text NOT NULL);
      CREATE TABLE state (key TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL, is_binary BOOLEAN NOT NULL, etag TEXT NOT NULL,
        expiration_time TIMESTAMP DEFAULT NULL, update_time TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP);
      REPLACE INTO metadata (key, value) VALUES ('migrations', '1');
      INSERT OR REPLACE INTO state (key, value, is_binary, etag, update_time, expiration_time) VALUES
        ('text', '{"a":1}', FALSE, 'e1', CURRENT_TIMESTAMP, NULL), ('bytes', 'AAH/', TRUE, 'e2', CURRENT_TIMESTAMP, NULL),
        ('soon', '1', FALSE, 'e3', CURRENT_TIMESTAMP, DATETIME(CURRENT_TIMESTAMP, '+60 seconds')),
        ('gone', '1', FALSE, 'e4', CURRENT_TIMESTAMP, DATETIME(CURRENT_TIMESTAMP, '-1 seconds'));`);
    const store = await opened({
      connectionString: `file:${path}?_pragma=cache_size(-4000)&_txlock=immediate`,
    });
    const items = await store.read(
      ["text", "bytes", "soon", "gone"].map((key) => ({ key, metadata: {} })),
      options,
    );
    expect(items[0]).toEqual({ value: '{"a":1}', etag: "e1" });
    expect(items[1]).toEqual({ value: Buffer.of(0, 1, 255), etag: "e2" });
    expect(Date.parse(items[2]?.metadata?.["ttlExpireTime"] ?? "") - Date.now()).toBeGreaterThan(
      55_000,
    );
    expect(items[3]).toBeUndefined();
    await store.write(put("mine", "[1]", { metadata: { ttlInSeconds: "60" } }), options);
    await store.write(put("blob", Uint8Array.of(0, 1, 255)), options);
    const live = "(expiration_time IS NULL OR expiration_time > CURRENT_TIMESTAMP)";
    const row = (key: string) => ({
      ...db
        .prepare(
          `SELECT value, is_binary, etag, expiration_time FROM state WHERE key = ? AND ${live}`,
        )
        .get(key),
    });
    expect(row("mine")).toEqual({
      value: "[1]",
      is_binary: 0,
      etag: expect.stringMatching(/^[0-9a-f-]{36}$/) as string,
      expiration_time: expect.stringMatching(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/) as string,
    });
    expect(row("blob")).toMatchObject({ value: "AAH/", is_binary: 1, expiration_time: null });
  });
  test("open of two stores on one file, each sees what the other writes", async () => {
    const path = temporaryFile("x.db");
    const [a, b] = await Promise.all([
      opened({ connectionString: path }),
      opened({ connectionString: path }),
    ]);
    await Promise.all([a.write(put("a", "1"), options), b.write(put("b", "2"), options)]);
    expect([await valueAt(b, "a"), await valueAt(a, "b")]).toEqual(["1", "2"]);
  });
  test("open uses the tables that it is told to", async () => {
    const path = temporaryFile("x.db");
    const store = await opened({
      connectionString: path,
      tableName: "order",
      metadataTableName: "order_meta",
    });
    await store.write(put("k", "1"), options);
    expect(other(path).prepare('SELECT count(*) AS n FROM "order"').get()).toMatchObject({ n: 1 });
  });
});

describe("settings", () => {
  test.each([
    [{}, "missing connection string"],
    [{ tableName: "a; DROP TABLE state" }, "invalid identifier"],
    [{ metadataTableName: 'x"' }, "invalid identifier"],
    [{ timeout: "10ms" }, "must be greater than 1s"],
    [{ busyTimeout: "soon" }, "busyTimeout must be a duration"],
    [
      { connectionString: "x.db?_pragma=busy_timeout(5)" },
      "found forbidden option '_pragma=busy_timeout'",
    ],
    [
      { connectionString: "x.db?_pragma=journal_mode=OFF" },
      "found forbidden option '_pragma=journal_mode'",
    ],
    [{ connectionString: "x.db?_pragma=cache_size(1);DROP" }, "cannot read _pragma"],
    [
      { connectionString: "/nowhere/at/all/x.db" },
      "cannot open the SQLite database file:/nowhere/at/all/x.db: unable to open database file",
    ],
  ])("open refuses %j", async (metadata, reason) => {
    const given =
      Object.keys(metadata).length > 0 ? { connectionString: ":memory:", ...metadata } : {};
    await expect(openComponent(state, given)).rejects.toThrow(reason);
  });
  test("open keeps memory databases apart", async () => {
    const [a, b] = [
      await opened({ connectionString: ":memory:" }),
      await opened({ connectionString: "file::memory:" }),
    ];
    await a.write(put("k", "1"), options);
    expect(await valueAt(b, "k")).toBeUndefined();
  });
});

describe("errors", () => {
  test("write says what Dapr says", async () => {
    const store = await opened({ connectionString: ":memory:" });
    const ttl = (text: string) =>
      store.write(put("k", "1", { metadata: { ttlInSeconds: text } }), options);
    const before = "error parsing TTL: incorrect value for metadata 'ttlInSeconds': ";
    await expect(ttl("x")).rejects.toThrow(
      `${before}strconv.ParseInt: parsing "x": invalid syntax`,
    );
    await expect(ttl("-2")).rejects.toThrow(`${before}must be -1 or greater`);
    await expect(store.write(put("k", "1", { etag: "4711" }), options)).rejects.toMatchObject({
      kind: "etag-mismatch",
      message: "",
    });
  });
  test("write fails once the store is closed, and what was under way is kept", async () => {
    const path = temporaryFile("x.db");
    const store = await openComponent(state, { connectionString: path });
    const writing = store.write(put("k", "1"), options);
    await store[Symbol.asyncDispose]();
    await writing;
    await expect(store.write(put("k", "2"), options)).rejects.toMatchObject({
      kind: "unavailable",
    });
    await expect(valueAt(store, "k")).rejects.toMatchObject({ kind: "unavailable" });
    expect(await valueAt(await opened({ connectionString: path }), "k")).toBe("1");
  });
});

describe("another process holds the database", () => {
  test.each(["false", "true"])(
    "write waits for it and is not lost (disableWAL %s)",
    async (disableWAL) => {
      const path = temporaryFile("x.db");
      const store = await opened({ connectionString: path, busyTimeout: "5s", disableWAL });
      const holder = other(path);
      holder.exec("BEGIN EXCLUSIVE");
      let settled = 0;
      const writes = ["a", "b", "c"].map((key) =>
        store.write(put(key, "1"), options).finally(() => settled++),
      );
      const late = new Promise((resolve) => setTimeout(resolve, 100));
      await late;
      expect(settled).toBe(0);
      const reading = valueAt(store, "a");
      holder.exec("COMMIT");
      await Promise.all(writes);
      await reading;
      expect(await valueAt(store, "c")).toBe("1");
    },
  );
  test("write is unavailable after busyTimeout, and the next one goes through", async () => {
    const path = temporaryFile("x.db");
    const store = await opened({ connectionString: path, busyTimeout: "100ms" });
    const holder = other(path);
    holder.exec("BEGIN IMMEDIATE");
    const started = Date.now();
    const writes = [
      store.write(put("a", "1"), options),
      store.transact?.([put("b", "1"), put("c", "1")], options),
    ];
    for (const result of await Promise.allSettled(writes))
      expect(result).toMatchObject({ status: "rejected", reason: { kind: "unavailable" } });
    expect(Date.now() - started).toBeLessThan(2000);
    expect(await valueAt(store, "a")).toBeUndefined();
    holder.exec("ROLLBACK");
    await store.write(put("a", "2"), options);
    expect(await valueAt(store, "a")).toBe("2");
  });
});

describe("expired rows", () => {
  test("cleanupInterval removes them, once for all processes", async () => {
    const path = temporaryFile("x.db");
    const clock = fakeClock();
    const store = await opened(
      { connectionString: path, cleanupInterval: "10s" },
      testHost({ clock }),
    );
    const keys = Array.from({ length: 1200 }, (_, i) => `k${i}`);
    await Promise.all(
      keys.map((key) => store.write(put(key, "1", { metadata: { ttlInSeconds: "1" } }), options)),
    );
    await store.write(put("stays", "1"), options);
    const db = other(path);
    const count = () => db.prepare("SELECT count(*) AS n FROM state").get()?.["n"];
    expect(count()).toBe(1201);
    await clock.advance(10_000);
    await eventually(() => count() === 1);
    expect(db.prepare("SELECT value FROM metadata WHERE key = 'last-cleanup'").get()).toMatchObject(
      { value: "2026-01-01 00:00:10" },
    );
  });
});

/** How many transactions the write-ahead log holds: each ends with a frame that tells the size of the database. */
function commitsIn(wal: Buffer): number {
  const [header, frameHeader, pageSize] = [32, 24, wal.readUInt32BE(8)];
  let count = 0;
  for (let at = header; at + frameHeader <= wal.length; at += frameHeader + pageSize)
    if (wal.readUInt32BE(at + 4) !== 0) count++;
  return count;
}

describe("durability", () => {
  test("write and transact of one turn share one commit, each with its own result", async () => {
    const path = temporaryFile("x.db");
    const store = await opened({ connectionString: path });
    await store.write(put("old", "1"), options);
    const before = commitsIn(readFileSync(`${path}-wal`));
    const results = await Promise.allSettled([
      ...Array.from({ length: 100 }, (_, i) => store.write(put(`k${i}`, "1"), options)),
      store.write(put("old", "2", { etag: "stale" }), options),
      store.transact?.([put("a", "1"), put("old", "2", { etag: "stale" }), put("b", "1")], options),
      store.transact?.([put("c", "1"), put("d", "1")], options),
      store.write(put("aborted", "1"), { signal: AbortSignal.abort() }),
    ]);
    expect(commitsIn(readFileSync(`${path}-wal`)) - before).toBe(1);
    expect(results.slice(100).map(({ status }) => status)).toEqual([
      "rejected",
      "rejected",
      "fulfilled",
      "rejected",
    ]);
    const keys = ["k99", "old", "a", "b", "c", "d", "aborted"];
    expect(await Promise.all(keys.map((key) => valueAt(store, key)))).toEqual([
      "1",
      "1",
      undefined,
      undefined,
      "1",
      "1",
      undefined,
    ]);
  });
  test("write is kept that was acknowledged before the process was killed", async () => {
    const path = temporaryFile("x.db");
    const acknowledged: string[] = [];
    for (let round = 0; round < 3; round++) {
      const script = join(import.meta.dirname, "../support/sqlite-writer.ts");
      const child = spawn(
        process.execPath,
        ["--experimental-strip-types", "--no-warnings", script, path, `r${round}`],
        { stdio: ["ignore", "pipe", "inherit"] },
      );
      let output = "";
      child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
      await eventually(() => output.split("\n").length > 200, {
        withinMs: 15_000,
        what: "200 acknowledged writes",
      });
      const ended = new Promise((resolve) => child.once("close", resolve));
      child.kill("SIGKILL");
      await ended;
      // The last line may have been cut.
      acknowledged.push(...output.split("\n").slice(0, -1));
    }
    const store = await opened({ connectionString: path });
    const items = await store.read(
      acknowledged.map((key) => ({ key, metadata: {} })),
      options,
    );
    expect(acknowledged.filter((_, i) => items[i] === undefined)).toEqual([]);
    expect(items.map((item) => item?.value)).toEqual(
      acknowledged.map((key) => JSON.stringify(key)),
    );
  });
});
