import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, onTestFinished, test } from "vitest";
import { subscribing } from "#components/sqlite/broker-rows.ts";
import { createTables } from "#components/sqlite/broker-tables.ts";
import { pubsub } from "#components/sqlite/manifest.ts";
import type { Ack, Message, PubSub } from "#core/ports/pub-sub.ts";
import { eventually } from "#test/support/eventually.ts";
import { fakeClock } from "#test/support/fake-clock.ts";
import { openComponent, testHost } from "#test/support/host.ts";
import { temporaryFile } from "#test/support/temporary-file.ts";

const options = { signal: new AbortController().signal };
const message = (data: string): Message => ({ data, metadata: {} });
const minute = 60_000;

async function opened(
  metadata: Readonly<Record<string, string>>,
  host = testHost(),
): Promise<PubSub> {
  const broker = await openComponent(pubsub, metadata, host);
  onTestFinished(() => broker[Symbol.asyncDispose]());
  return broker;
}
/** Subscribes until the test ends; what came, in order. */
async function heard(
  broker: PubSub,
  topic: string,
  consumerId = "app",
  verdict: () => Ack | Promise<Ack> = () => "done",
): Promise<string[]> {
  const texts: string[] = [];
  await broker.subscribe?.(
    { topic, consumerId, metadata: {} },
    async (messages) => {
      texts.push(...messages.map(({ data }) => Buffer.from(data as Uint8Array).toString()));
      return Promise.all(messages.map(verdict));
    },
    options,
  );
  return texts;
}

interface Other {
  readonly child: ChildProcess;
  readonly lines: readonly string[];
}
/** A subscriber that is a process of its own. */
async function otherProcess(...args: readonly string[]): Promise<Other> {
  const script = join(import.meta.dirname, "../support/sqlite-subscriber.ts");
  const child = spawn(process.execPath, [script, ...args], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
  const other = {
    child,
    get lines() {
      return output.split("\n").slice(0, -1);
    },
  };
  await eventually(() => other.lines.includes("subscribed"), { withinMs: 20_000 });
  return other;
}

describe("several processes", () => {
  test("a message of one reaches a subscriber of another, and each consumer id gets it once", async () => {
    const connectionString = temporaryFile("pubsub.db");
    const broker = await opened({ connectionString });
    const own = await heard(broker, "t", "a");
    const others = await Promise.all(
      ["a", "b", "b"].map((id) => otherProcess(connectionString, "t", id)),
    );
    const texts = Array.from({ length: 60 }, (_, i) => String(i));
    for (const text of texts)
      expect(await broker.publish("t", [message(text)], options)).toEqual([undefined]);
    const of = (...lists: ReadonlyArray<readonly string[]>): readonly string[] =>
      lists.flat().filter((line) => line !== "subscribed");
    const [first, second, third] = others as [Other, Other, Other];
    const inOrder = (list: readonly string[]): readonly string[] =>
      list.toSorted((x, y) => Number(x) - Number(y));
    await eventually(() => of(own, first.lines).length >= 60, { what: "all for a" });
    await eventually(() => of(second.lines, third.lines).length >= 60, { what: "all for b" });
    expect(inOrder(of(own, first.lines))).toEqual(texts);
    expect(inOrder(of(second.lines, third.lines))).toEqual(texts);
  });

  test("what a killed process had in hand comes to another, once its hold has run out", async () => {
    const connectionString = temporaryFile("pubsub.db");
    const broker = await opened({ connectionString });
    const dying = await otherProcess(connectionString, "t", "a", "never");
    await broker.publish("t", [message("1")], options);
    await eventually(() => dying.lines.includes("1"));
    dying.child.kill("SIGKILL");
    const later = testHost({ clock: { ...testHost().clock, now: () => Date.now() + 60_000 } });
    const texts = await heard(await opened({ connectionString }, later), "t", "a");
    await eventually(() => texts.length > 0);
    expect(texts).toEqual(["1"]);
  });

  test("a message that is being delivered is nobody else's, however long that takes", () => {
    const db = new DatabaseSync(temporaryFile("pubsub.db"));
    onTestFinished(() => db.close());
    createTables(db);
    const rows = subscribing(db);
    db.exec("INSERT INTO messages (topic, published, metadata, data) VALUES ('t', 1, '{}', x'31')");
    const consumer = rows.join("t", "a", 10, 0);
    expect(rows.claim(consumer, "me", 10, 30, 5)).toHaveLength(1);
    expect(rows.claim(consumer, "you", 29, 60, 5)).toEqual([]);
    const [{ id } = { id: 0 }] = rows.claim(consumer, "me", 30, 50, 5);
    rows.renew(consumer, id, "me", 70);
    rows.renew(consumer, id, "you", 1000);
    expect(rows.dueAt(consumer)).toBe(70);
    rows.putBack(consumer, id, "you", 0);
    expect(rows.dueAt(consumer)).toBe(70);
    rows.putBack(consumer, id, "me", 0);
    expect(rows.dueAt(consumer)).toBe(0);
  });

  test("an answer that comes long after its subscription was replaced counts", async () => {
    const clock = fakeClock();
    const broker = await opened(
      { connectionString: temporaryFile("pubsub.db") },
      testHost({ clock }),
    );
    const first = new AbortController();
    const asked: Array<(ack: Ack) => void> = [];
    const texts: string[] = [];
    const subscribe = (signal: AbortSignal): Promise<void> | undefined =>
      broker.subscribe?.(
        { topic: "t", consumerId: "app", metadata: {} },
        async (messages) => {
          texts.push(...messages.map(({ data }) => Buffer.from(data as Uint8Array).toString()));
          return Promise.all(
            messages.map(() => new Promise<Ack>((resolve) => asked.push(resolve))),
          );
        },
        { signal },
      );
    await subscribe(first.signal);
    await broker.publish("t", [message("1")], options);
    await eventually(() => asked.length === 1);
    first.abort();
    await subscribe(options.signal);
    // Longer than the grace of a broker that ends, and than a message is held of which nothing is heard.
    for (let s = 0; s < 60; s++) {
      await clock.advance(1000);
      await new Promise((done) => setImmediate(done));
    }
    asked[0]?.("done");
    await broker.publish("t", [message("2")], options);
    await eventually(() => asked.length > 1);
    await clock.advance(60_000);
    await new Promise((done) => setTimeout(done, 50));
    expect(texts).toEqual(["1", "2"]);
    asked[1]?.("done");
  });

  test("all of those that open a new file at once get it", async () => {
    const connectionString = temporaryFile("pubsub.db");
    const brokers = await Promise.all(
      Array.from({ length: 10 }, () => opened({ connectionString })),
    );
    const texts = await heard(brokers[3] as PubSub, "t");
    await Promise.all(brokers.map((broker, i) => broker.publish("t", [message(`${i}`)], options)));
    await eventually(() => texts.length === 10);
  });
});

describe("what is kept", () => {
  test("a new consumer gets what is no older than the backlog, in order; the publisher is told once that nobody listens", async () => {
    const clock = fakeClock();
    const host = testHost({ clock });
    const broker = await opened({ connectionString: temporaryFile("x.db"), backlog: "2m" }, host);
    await broker.publish("t", [message("old")], options);
    await clock.advance(2 * minute);
    await broker.publish("t", [message("1"), message("2")], options);
    await broker.publish("t", [message("3")], options);
    await clock.advance(2 * minute - 1);
    expect(host.lines.filter(({ level }) => level === "info").map(({ message: m }) => m)).toEqual([
      "No app has subscribed to topic t of test yet; the message is kept for 120 s",
    ]);
    const texts = await heard(broker, "t");
    await eventually(() => texts.length === 3);
    expect(texts).toEqual(["1", "2", "3"]);
    const pattern = await heard(broker, "t*", "other");
    await broker.publish("tt", [message("4")], options);
    await eventually(() => pattern.length > 0);
    expect(pattern).toEqual(["4"]);
  });

  test("what is done with goes after the backlog, what waits for a consumer that is away after the retention, and so does the consumer", async () => {
    const clock = fakeClock();
    const connectionString = temporaryFile("x.db");
    const broker = await opened(
      { connectionString, backlog: "2m", retention: "10m" },
      testHost({ clock }),
    );
    const leaving = new AbortController();
    await broker.subscribe?.(
      { topic: "t", consumerId: "away", metadata: {} },
      async () => [],
      leaving,
    );
    leaving.abort();
    const texts = await heard(broker, "t", "there");
    await broker.publish("t", [message("1")], options);
    await eventually(() => texts.length === 1);
    const db = new DatabaseSync(connectionString, { readOnly: true });
    onTestFinished(() => db.close());
    const count = (table: string): unknown =>
      db.prepare(`SELECT count(*) AS n FROM ${table}`).get()?.["n"];
    await eventually(() => count("deliveries") === 1);
    await clock.advance(9 * minute);
    expect([count("messages"), count("deliveries"), count("consumers")]).toEqual([1, 1, 2]);
    await clock.advance(minute);
    await eventually(async () => {
      await clock.advance(minute);
      return count("messages") === 0;
    });
    expect([count("deliveries"), count("consumers")]).toEqual([0, 1]);
  });

  test("a full file drops what is done with, then what waits for those away, and refuses what would push out the rest", async () => {
    const clock = fakeClock();
    const host = testHost({ clock });
    const connectionString = temporaryFile("x.db");
    const broker = await opened({ connectionString, maxSizeMB: "1" }, host);
    const big = message("x".repeat(100_000));
    for (let i = 0; i < 30; i++)
      expect(await broker.publish("t", [big], options)).toEqual([undefined]);
    const leaving = new AbortController();
    const { promise: answer, resolve: end } = Promise.withResolvers<readonly Ack[]>();
    await broker.subscribe?.(
      { topic: "t", consumerId: "slow", metadata: {} },
      () => answer,
      leaving,
    );
    let failure: unknown;
    for (let i = 0; i < 30 && failure === undefined; i++)
      [failure] = await broker.publish("t", [big], options);
    expect(failure).toMatchObject({
      kind: "unavailable",
      message: expect.stringContaining("1 MB of messages that wait for their subscribers"),
    });
    leaving.abort();
    await clock.advance(2 * minute);
    for (let i = 0; i < 30; i++)
      expect(await broker.publish("t", [big], options)).toEqual([undefined]);
    expect(host.lines.find(({ level }) => level === "warn")?.message).toMatch(
      /^The database is full: dropped the \d+ oldest messages of consumers that are away$/,
    );
    end([]);
  });
});

describe("open", () => {
  test.for([
    [{ connectionString: ":memory:" }, "must name a file"],
    [{ connectionString: "x.db?mode=ro" }, "must name a file"],
    [{ connectionString: "/no/such/folder/x.db" }, "cannot open the SQLite database /no/such"],
    [{ connectionString: "x.db", concurrency: "0" }, "concurrency must be a whole number from 1"],
    [{ connectionString: "x.db", retention: "-1s" }, "retention must not be negative"],
    [{}, "missing connection string"],
  ] as const)("refuses %o", async ([metadata, why]) => {
    await expect(openComponent(pubsub, metadata)).rejects.toThrow(why);
  });
  test("refuses a file of a later version, and leaves it as it is", async () => {
    const path = temporaryFile("x.db");
    const db = new DatabaseSync(path);
    db.exec("CREATE TABLE new (x); PRAGMA user_version = 2");
    db.close();
    await expect(openComponent(pubsub, { connectionString: path })).rejects.toThrow(
      "later version of Outrigger",
    );
  });
});
