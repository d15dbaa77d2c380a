import { afterAll, beforeAll, expect, test } from "vitest";
import type { Coordination } from "#core/ports/coordination.ts";
import type { ClaimedEntry, DueEntry, DueTimes } from "#core/ports/due-times.ts";
import type { CoordinationSubject } from "./ownership.ts";

const options = { signal: new AbortController().signal };
const now = Date.UTC(2030, 0, 1);

/** What every driver promises of due times, whatever is behind it. */
export function dueTimesContract({ open, isAlone = false }: CoordinationSubject): void {
  const opened: Coordination[] = [];
  let here: DueTimes;
  let there: DueTimes;
  const group = crypto.randomUUID();
  const start = async (name?: string): Promise<DueTimes> => {
    const coordination = await open(name);
    opened.push(coordination);
    return coordination.dueTimes;
  };
  beforeAll(async () => {
    here = await start(group);
    there = isAlone ? here : await start(group);
  });
  afterAll(async () => {
    await Promise.all(opened.map((each) => each[Symbol.asyncDispose]()));
  });
  const fresh = (): string => `job||shop||${crypto.randomUUID()}`;
  const entryOf = (queue: string, more: Partial<DueEntry> = {}): DueEntry => ({
    queue,
    owner: "",
    name: "a",
    dueAt: now,
    data: "{}",
    ...more,
  });
  const put = async (entry: DueEntry, overwrite = true): Promise<boolean> =>
    here.put(entry, overwrite, options);
  const claim = (
    queues: string | readonly string[],
    more: Partial<{ now: number; limit: number; holdMs: number }> = {},
    from: DueTimes = here,
  ): ReturnType<DueTimes["claim"]> =>
    from.claim([queues].flat(), { ...options, now, limit: 100, holdMs: 5000, ...more });
  const namesOf = (entries: readonly DueEntry[]): readonly string[] =>
    entries.map(({ name }) => name);
  const plain = ({ claim: _, ...entry }: ClaimedEntry): DueEntry => entry;

  test("put keeps an entry as it is, and all see it", async () => {
    const entry = entryOf(fresh(), { owner: "o", data: '{"ü":"😀\\u0000"}', dueAt: now + 1 });
    expect(await put(entry)).toBe(true);
    expect(await there.get(entry, options)).toEqual(entry);
  });
  test("put replaces only where it may", async () => {
    const entry = entryOf(fresh());
    expect(await put(entry, false)).toBe(true);
    expect(await put({ ...entry, data: "2" }, false)).toBe(false);
    expect((await here.get(entry, options))?.data).toBe("{}");
    expect(await put({ ...entry, data: "2", dueAt: now + 9 })).toBe(true);
    expect(await here.get(entry, options)).toEqual({ ...entry, data: "2", dueAt: now + 9 });
  });
  test("put of one key at once has one winner where it may not replace", async () => {
    const entry = entryOf(fresh());
    const won = await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        (i % 2 ? here : there).put({ ...entry, data: String(i) }, false, options),
      ),
    );
    expect(won.filter(Boolean)).toHaveLength(1);
  });
  test("many puts at once are all kept", async () => {
    const queue = fresh();
    const names = Array.from({ length: 500 }, (_, i) => `n${i}`);
    await Promise.all(names.map((name) => put(entryOf(queue, { name }))));
    const { entries } = await claim(queue, { limit: 1000 });
    expect([...namesOf(entries)].sort()).toEqual([...names].sort());
  });
  test("reschedule changes an entry that is as it was, and nothing else", async () => {
    const entry = entryOf(fresh(), { owner: "o", data: "A" });
    const next = { dueAt: now - 9, data: "B ü😀" };
    expect(await here.reschedule(entry, next, options)).toBe(false);
    expect(await here.get(entry, options)).toBeUndefined();
    await put(entry);
    for (const other of [
      { ...entry, dueAt: now + 1 },
      { ...entry, data: "a" },
      { ...entry, data: "A " },
      { ...entry, owner: "" },
    ])
      expect(await there.reschedule(other, next, options)).toBe(false);
    expect(await here.get(entry, options)).toEqual(entry);
    expect((await claim(entry.queue, { now: now - 1 })).entries).toEqual([]);
    expect(await there.reschedule(entry, next, options)).toBe(true);
    expect(await here.get(entry, options)).toEqual({ ...entry, ...next });
    expect((await claim(entry.queue, { now: now - 9 })).entries).toHaveLength(1);
  });
  test("reschedule leaves alone what somebody holds, also once the claim has ended", async () => {
    const entry = entryOf(fresh());
    const next = { dueAt: now, data: "B" };
    await put(entry);
    const [held] = (await claim(entry.queue, { holdMs: 1 })).entries;
    expect(await here.reschedule(entry, next, options)).toBe(false);
    expect(await here.complete([{ entry: held as ClaimedEntry, next: entry }], options)).toEqual([
      true,
    ]);
    expect(await here.reschedule(entry, next, options)).toBe(true);
  });
  test("reschedule of one entry at once has one winner", async () => {
    const entry = entryOf(fresh());
    await put(entry);
    const won = await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        (i % 2 ? here : there).reschedule(entry, { dueAt: now, data: String(i) }, options),
      ),
    );
    expect(won.filter(Boolean)).toHaveLength(1);
  });
  test("get and delete know what is not there", async () => {
    const entry = entryOf(fresh());
    expect(await here.get(entry, options)).toBeUndefined();
    expect(await here.delete(entry, options)).toBe(false);
    await put(entry);
    expect(await there.delete(entry, options)).toBe(true);
    expect(await here.get(entry, options)).toBeUndefined();
    expect((await claim(entry.queue)).entries).toEqual([]);
  });
  test("entries do not meet, whatever they are called", async () => {
    const queue = fresh();
    const names = [
      "a",
      "A",
      "a ",
      "a||b",
      "b",
      "",
      "%",
      "_",
      "\\",
      "'\"",
      "😀",
      "e\u0301",
      "\u00e9",
    ];
    const all = names.flatMap((name) =>
      ["", "o", "o||a"].map((owner) => entryOf(queue, { owner, name, data: `${owner}/${name}` })),
    );
    for (const entry of all) expect(await put(entry, false)).toBe(true);
    for (const entry of all) expect(await here.get(entry, options)).toEqual(entry);
    expect((await claim([queue, `${queue}|`], { limit: 1000 })).entries).toHaveLength(all.length);
  });
  test("list shows what is selected, by owner and name, page by page", async () => {
    const queue = fresh();
    for (const [owner, name] of [
      ["b", "1"],
      ["a", "2"],
      ["a", "10"],
      ["a", "1"],
      ["", "z"],
    ] as const)
      await put(entryOf(queue, { owner, name }));
    const page = (
      more: Partial<{ owner: string; namePrefix: string }>,
      limit = 100,
      after?: DueEntry,
    ): Promise<readonly DueEntry[]> => there.list({ queue, ...more }, { ...options, limit, after });
    const keys = (list: readonly DueEntry[]): readonly string[] =>
      list.map(({ owner, name }) => `${owner}/${name}`);
    expect(keys(await page({}))).toEqual(["/z", "a/1", "a/10", "a/2", "b/1"]);
    expect(keys(await page({ owner: "a" }))).toEqual(["a/1", "a/10", "a/2"]);
    expect(keys(await page({ namePrefix: "1" }))).toEqual(["a/1", "a/10", "b/1"]);
    expect(keys(await page({ owner: "" }))).toEqual(["/z"]);
    const first = await page({}, 2);
    expect(keys(first)).toEqual(["/z", "a/1"]);
    expect(keys(await page({}, 2, first[1]))).toEqual(["a/10", "a/2"]);
    expect(await there.list({ queue: `${queue}x` }, { ...options, limit: 10 })).toEqual([]);
  });
  test("deleteAll removes what is selected, and nothing that only looks like it", async () => {
    const queue = fresh();
    const names = ["a%b", "a%c", "aXb", "b"];
    const fill = async (): Promise<void> => {
      for (const owner of ["o", "p"])
        for (const name of names) await put(entryOf(queue, { owner, name }));
    };
    const left = async (): Promise<number> =>
      (await here.list({ queue }, { ...options, limit: 100 })).length;
    await fill();
    await here.deleteAll({ queue, owner: "o", namePrefix: "a%" }, options);
    expect(await left()).toBe(6);
    await here.deleteAll({ queue, namePrefix: "a" }, options);
    expect(await left()).toBe(2);
    await fill();
    await here.deleteAll({ queue, owner: "p" }, options);
    expect(await left()).toBe(4);
    await here.deleteAll({ queue: queue.slice(0, -1) }, options);
    expect(await left()).toBe(4);
    await here.deleteAll({ queue }, options);
    expect(await left()).toBe(0);
  });
  test("claim takes what is due, those due longest first, and says when the rest is", async () => {
    const queues = [fresh(), fresh()] as const;
    await put(entryOf(queues[0], { name: "late", dueAt: now - 5 }));
    await put(entryOf(queues[1], { name: "later", dueAt: now - 9 }));
    await put(entryOf(queues[0], { name: "just", dueAt: now }));
    await put(entryOf(queues[1], { name: "not yet", dueAt: now + 1 }));
    const { entries, nextAt } = await claim(queues);
    expect(namesOf(entries)).toEqual(["later", "late", "just"]);
    expect(nextAt).toBe(now + 1);
    expect(await claim([fresh()])).toEqual({ entries: [], nextAt: undefined });
    expect(await claim([])).toEqual({ entries: [], nextAt: undefined });
  });
  test("claim takes no more than it may, and says that there is more", async () => {
    const queue = fresh();
    for (let i = 0; i < 5; i++) await put(entryOf(queue, { name: `n${i}`, dueAt: now + i }));
    const { entries, nextAt } = await claim(queue, { limit: 2, now: now + 10 });
    expect(namesOf(entries)).toEqual(["n0", "n1"]);
    expect(nextAt).toBe(now + 2);
  });
  test("what is claimed is nobody else's until the hold ends", async () => {
    const entry = entryOf(fresh());
    await put(entry);
    const [first] = (await claim(entry.queue)).entries;
    expect(first && plain(first)).toEqual(entry);
    expect(await claim(entry.queue, { now: now + 4999 }, there)).toEqual({
      entries: [],
      nextAt: now + 5000,
    });
    const [second] = (await claim(entry.queue, { now: now + 5000 }, there)).entries;
    expect(second && plain(second)).toEqual(entry);
    expect(second?.claim).not.toBe(first?.claim);
    expect(await here.complete([{ entry: first as ClaimedEntry }], options)).toEqual([false]);
    expect(await there.complete([{ entry: second as ClaimedEntry }], options)).toEqual([true]);
    expect(await here.get(entry, options)).toBeUndefined();
  });
  test("claims at once share the entries out, none twice", async () => {
    const queue = fresh();
    const names = Array.from({ length: 200 }, (_, i) => `n${i}`);
    await Promise.all(names.map((name) => put(entryOf(queue, { name }))));
    const all = await Promise.all(
      Array.from({ length: 20 }, (_, i) => claim(queue, { limit: 20 }, i % 2 ? here : there)),
    );
    const taken = all.flatMap(({ entries }) => namesOf(entries));
    expect(new Set(taken).size).toBe(taken.length);
    const rest = (await claim(queue, { limit: 1000 })).entries;
    expect(taken.length + rest.length).toBe(names.length);
  });
  test("hold prolongs claims that hold still", async () => {
    const queue = fresh();
    await put(entryOf(queue, { name: "a" }));
    await put(entryOf(queue, { name: "b" }));
    const { entries } = await claim(queue);
    const [a, b] = [...entries].sort((x, y) => (x.name < y.name ? -1 : 1)) as [
      ClaimedEntry,
      ClaimedEntry,
    ];
    await here.delete(b, options);
    expect(await here.hold([a, b], now + 20_000, options)).toEqual(new Set([a.claim]));
    expect((await claim(queue, { now: now + 19_999 })).entries).toEqual([]);
    expect(namesOf((await claim(queue, { now: now + 20_000 })).entries)).toEqual(["a"]);
    expect(await here.hold([a], now + 90_000, options)).toEqual(new Set());
    expect(await here.hold([], now, options)).toEqual(new Set());
  });
  test("complete makes an entry due again, with other data", async () => {
    const entry = entryOf(fresh());
    await put(entry);
    const [held] = (await claim(entry.queue)).entries;
    const next = { dueAt: now + 60_000, data: "[1]" };
    expect(await here.complete([{ entry: held as ClaimedEntry, next }], options)).toEqual([true]);
    expect(await there.get(entry, options)).toEqual({ ...entry, ...next });
    expect((await claim(entry.queue, { now: now + 59_999 })).nextAt).toBe(now + 60_000);
    expect((await claim(entry.queue, { now: now + 60_000 })).entries).toHaveLength(1);
    expect(await here.complete([{ entry: held as ClaimedEntry, next }], options)).toEqual([false]);
  });
  test("complete and hold change nothing of what was overwritten or deleted", async () => {
    const queue = fresh();
    const [a, b] = [entryOf(queue, { name: "a" }), entryOf(queue, { name: "b" })];
    await put(a);
    await put(b);
    const { entries } = await claim(queue);
    const changed = { ...a, data: "new", dueAt: now + 100 };
    await put(changed);
    await here.delete(b, options);
    expect(
      await here.complete(
        entries.map((entry) => ({ entry, next: { dueAt: now + 1, data: "old" } })),
        options,
      ),
    ).toEqual([false, false]);
    expect(await there.get(a, options)).toEqual(changed);
    expect(await there.get(b, options)).toBeUndefined();
    expect((await claim(queue, { now: now + 100 })).entries).toHaveLength(1);
  });
  test("complete ends many claims at once, each by itself", async () => {
    const queue = fresh();
    for (let i = 0; i < 50; i++) await put(entryOf(queue, { name: `n${i}` }));
    const { entries } = await claim(queue);
    await here.delete(entryOf(queue, { name: "n7" }), options);
    const ended = await here.complete(
      entries.map((entry, i) => (i % 2 ? { entry } : { entry, next: { dueAt: now, data: "x" } })),
      options,
    );
    expect(ended).toEqual(entries.map(({ name }) => name !== "n7"));
    expect(await here.complete([], options)).toEqual([]);
  });
  test("data may be large", async () => {
    const entry = entryOf(fresh(), { data: JSON.stringify("x".repeat(2_000_000)) });
    await put(entry);
    expect((await claim(entry.queue)).entries[0]?.data).toBe(entry.data);
  });
  test.skipIf(isAlone)("groups of one database do not see each other", async () => {
    const entry = entryOf(fresh());
    await put(entry);
    const elsewhere = await start(crypto.randomUUID());
    expect(await elsewhere.get(entry, options)).toBeUndefined();
    expect((await claim(entry.queue, {}, elsewhere)).entries).toEqual([]);
  });
  test.skipIf(isAlone)("entries outlive the process that put them", async () => {
    const entry = entryOf(fresh());
    const first = await open(group);
    await first.dueTimes.put(entry, true, options);
    await first[Symbol.asyncDispose]();
    expect(await there.get(entry, options)).toEqual(entry);
  });
  test("calls end with their signal", async () => {
    const signal = AbortSignal.abort(new Error("gone"));
    await expect(here.put(entryOf(fresh()), true, { signal })).rejects.toThrow();
    await expect(here.claim([fresh()], { signal, now, limit: 1, holdMs: 1 })).rejects.toThrow();
  });
}
