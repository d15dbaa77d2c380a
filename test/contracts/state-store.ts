import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ComponentError, type FailureKind } from "#core/errors/component-error.ts";
import { noMetadata } from "#core/ports/component.ts";
import type {
  StateDelete,
  StateItem,
  StateOp,
  StatePut,
  StateStore,
} from "#core/ports/state-store.ts";
import { fencedWritesContract } from "./fenced-writes.ts";
import { eventually } from "#test/support/eventually.ts";

export interface StateStoreTraits {
  /** What the store answers to an etag that is none of its own kind. */
  readonly foreignEtag: "etag-invalid" | "etag-mismatch";
  /** An etag of the right kind that no key has. */
  readonly staleEtag: string;
  /** What a put with an etag does where the key is missing. */
  readonly etagOnMissingKey: "refused" | "accepted";
  /** Which keys `first-write` without an etag does not overwrite: all, or those that were written so. */
  readonly firstWriteRefuses: "every-key" | "first-written-keys";
  /** How it refuses to insert over a key that is there; `etag-mismatch` where absent. */
  readonly insertRefusal?: FailureKind;
  /** True: `last-write` writes whatever the etag. */
  readonly lastWriteIgnoresEtag?: boolean;
  /** Whether the time of expiry can be read. Only for stores with the feature `TTL`. */
  readonly expiryIsRead?: boolean;
  /** What a put without `ttlInSeconds` does to an expiry. Only for stores with the feature `TTL`. */
  readonly putWithoutTtl?: "ends-expiry" | "keeps-expiry";
  /** Shortest time to live, in seconds; 1 where absent. */
  readonly shortestTtl?: number;
  /** Lets time pass for the store. Where absent, time passes by itself. */
  readonly elapse?: (ms: number) => Promise<void>;
  readonly largestValue?: number;
}
export interface StateStoreSubject {
  readonly name: string;
  readonly open: () => Promise<StateStore>;
  /** Opens the data of that store once more, as another process would. Absent: nobody else can. */
  readonly openAnother?: () => Promise<StateStore>;
  readonly traits: StateStoreTraits;
}

const options = { signal: new AbortController().signal };
const encoder = new TextEncoder();

/** What every state store promises, whatever is behind it. Capabilities that it does not have are skipped, by name. */
export function stateStoreContract(subject: StateStoreSubject): void {
  const { name, open, traits } = subject;
  const inserted = traits.insertRefusal ?? "etag-mismatch";
  const run = `contract-${crypto.randomUUID()}`;
  const used = new Set<string>();
  let store: StateStore;
  let count = 0;

  beforeAll(async () => {
    store = await open();
  });
  afterAll(async () => {
    await Promise.all([...used].map((key) => store?.write(removal(key), options)));
    await store?.[Symbol.asyncDispose]();
  });

  const newKey = (suffix = ""): string => keyNamed(`k${count++}${suffix}`);
  const keyNamed = (suffix: string): string => {
    const key = `${run}||${suffix}`;
    used.add(key);
    return key;
  };
  const put = (key: string, value: StatePut["value"], more: Partial<StatePut> = {}): StatePut => {
    used.add(key);
    return { op: "put", key, value, metadata: noMetadata, ...more };
  };
  const write = (op: StateOp): Promise<void> => store.write(op, options);
  const read = async (key: string): Promise<StateItem | undefined> =>
    (await store.read([{ key, metadata: noMetadata }], options))[0];
  const textAt = async (key: string): Promise<string | undefined> => textOf(await read(key));
  const etagAt = async (key: string): Promise<string> => {
    const etag = (await read(key))?.etag;
    if (etag === undefined) throw new Error(`${key} has no etag`);
    return etag;
  };
  const has = (feature: string): boolean => store.features.includes(feature as never);

  describe("read and write", () => {
    test("read answers nothing for a key that was never written", async () => {
      expect(await read(newKey())).toBeUndefined();
    });
    test("write keeps a value until the next one", async () => {
      const key = newKey();
      await write(put(key, '{"a":1}'));
      expect(await textAt(key)).toBe('{"a":1}');
      await write(put(key, "[2]"));
      expect(await textAt(key)).toBe("[2]");
    });
    test("write removes a key, and removing it again is not an error", async () => {
      const key = newKey();
      await write(put(key, "1"));
      await write(removal(key));
      expect(await read(key)).toBeUndefined();
      await write(removal(key));
    });
    test.each([
      "null",
      '""',
      '"text"',
      "0",
      "-1.5e300",
      "12345678901234567890",
      "true",
      "{}",
      '{"ü":"日本\\u0000"}',
      '"<&\'>\\""',
    ])("read gives JSON text back as it was written: %s", async (text) => {
      const key = newKey();
      await write(put(key, text));
      expect(await textAt(key)).toBe(text);
    });
    test.each([
      ["no byte", new Uint8Array(0)],
      ["every byte", Uint8Array.from({ length: 256 }, (_, i) => i)],
      ["bytes that are not valid UTF-8", Uint8Array.of(0xff, 0xfe, 0x00, 0xc3, 0x28)],
      ["a view into a larger buffer", new Uint8Array(8).fill(7).subarray(2, 5)],
    ])("read gives bytes back as they were written: %s", async (_, bytes) => {
      const key = newKey();
      await write(put(key, bytes));
      const item = await read(key);
      expect(bytesOf(item)).toEqual(new Uint8Array(bytes));
    });
    test("read gives a large value back as it was written", async () => {
      const size = Math.min(traits.largestValue ?? 1024 * 1024, 1024 * 1024);
      const [text, binary] = [newKey(), newKey()];
      const letters = `"${"ab".repeat((size - 2) / 2)}"`;
      const bytes = Uint8Array.from({ length: size }, (_, i) => (i * 31) & 255);
      await Promise.all([write(put(text, letters)), write(put(binary, bytes))]);
      expect((await textAt(text)) === letters).toBe(true);
      expect(bytesOf(await read(binary)).every((byte, i) => byte === bytes[i])).toBe(true);
      expect(bytesOf(await read(binary))).toHaveLength(size);
    });
    test.each([
      "'",
      '"',
      "%",
      "_",
      "\\",
      "*",
      "?",
      "[a]",
      ";--",
      " ",
      "ü",
      "日本",
      "😀",
      "/",
      "a/../b",
      "\n",
      ":",
    ])("write takes any character in a key: %j", async (odd) => {
      const [key, other] = [newKey(`-${odd}`), newKey("-")];
      await write(put(key, '"odd"'));
      expect(await textAt(key)).toBe('"odd"');
      expect(await read(other)).toBeUndefined();
      await write(removal(key));
      expect(await read(key)).toBeUndefined();
    });
    test("write takes a key of 1 KiB", async () => {
      const key = newKey(`-${"x".repeat(1024 - run.length - 10)}`);
      await write(put(key, "1"));
      expect(await textAt(key)).toBe("1");
      expect(await read(`${key}x`)).toBeUndefined();
    });
    test("write tells upper from lower case in keys", async () => {
      const [lower, upper] = [keyNamed("case"), keyNamed("CASE")];
      await write(put(lower, "1"));
      expect(await read(upper)).toBeUndefined();
    });
    test("read answers many keys in order, the missing and the repeated ones too", async () => {
      const keys = Array.from({ length: 50 }, () => newKey());
      await Promise.all(
        keys.map((key, i) => (i % 3 === 0 ? undefined : write(put(key, String(i))))),
      );
      const asked = [...keys, keys[1] as string];
      const items = await store.read(
        asked.map((key) => ({ key, metadata: noMetadata })),
        options,
      );
      expect(items.map(textOf)).toEqual([
        ...keys.map((_, i) => (i % 3 === 0 ? undefined : String(i))),
        "1",
      ]);
    });
    test("read answers no keys with nothing", async () => {
      expect(await store.read([], options)).toEqual([]);
    });
    test("ping answers", async (context) => {
      if (!store.ping) context.skip(`${name} has no ping`);
      await expect(store.ping?.(options)).resolves.toBeUndefined();
    });
  });

  describe("etags", () => {
    test("read gives an etag that every write changes", async (context) => {
      if (!has("ETAG")) context.skip(`${name} has no etags`);
      const key = newKey();
      await write(put(key, "1"));
      const first = await etagAt(key);
      expect(await etagAt(key)).toBe(first);
      await write(put(key, "1"));
      expect(await etagAt(key)).not.toBe(first);
    });
    for (const concurrency of ["first-write", "last-write", undefined] as const) {
      if (concurrency === "last-write" && traits.lastWriteIgnoresEtag) continue;
      const more = concurrency === undefined ? {} : { concurrency };
      test(`write with the current etag goes through, with an older one it does not (${concurrency ?? "no concurrency"})`, async (context) => {
        if (!has("ETAG")) context.skip(`${name} has no etags`);
        const key = newKey();
        await write(put(key, "1"));
        const etag = await etagAt(key);
        await write(put(key, "2", { etag, ...more }));
        await refusal(write(put(key, "3", { etag, ...more })), "etag-mismatch");
        await refusal(write(put(key, "3", { etag: traits.staleEtag, ...more })), "etag-mismatch");
        expect(await textAt(key)).toBe("2");
      });
    }
    test("write with last-write does not look at the etag where the store says so", async (context) => {
      if (!traits.lastWriteIgnoresEtag) context.skip(`${name} looks at it`);
      const key = newKey();
      for (const etag of [traits.staleEtag, "bad-etag"])
        await write(put(key, `"${etag}"`, { etag, concurrency: "last-write" }));
      expect(await textAt(key)).toBe('"bad-etag"');
    });
    test("write removes with the current etag only", async (context) => {
      if (!has("ETAG")) context.skip(`${name} has no etags`);
      const key = newKey();
      await write(put(key, "1"));
      const etag = await etagAt(key);
      await write(put(key, "2"));
      await refusal(write(removal(key, etag)), "etag-mismatch");
      expect(await textAt(key)).toBe("2");
      await write(removal(key, await etagAt(key)));
      expect(await read(key)).toBeUndefined();
    });
    test("write refuses an etag that is none", async (context) => {
      if (!has("ETAG")) context.skip(`${name} has no etags`);
      const key = newKey();
      await write(put(key, "1"));
      await refusal(write(put(key, "2", { etag: "bad-etag" })), traits.foreignEtag);
      await refusal(
        write(put(key, "2", { etag: "bad-etag", concurrency: "first-write" })),
        traits.foreignEtag,
      );
      await refusal(write(removal(key, "bad-etag")), "etag-mismatch", "etag-invalid");
      expect(await textAt(key)).toBe("1");
    });
    test(`write with an etag where the key is missing is ${traits.etagOnMissingKey}`, async (context) => {
      if (!has("ETAG")) context.skip(`${name} has no etags`);
      const key = newKey();
      const writing = write(put(key, "1", { etag: traits.staleEtag }));
      if (traits.etagOnMissingKey === "refused") await refusal(writing, "etag-mismatch");
      else await writing;
      expect(await textAt(key)).toBe(traits.etagOnMissingKey === "refused" ? undefined : "1");
    });
    test("write treats an empty etag as none", async () => {
      const key = newKey();
      await write(put(key, "1"));
      await write(put(key, "2", { etag: "" }));
      expect(await textAt(key)).toBe("2");
      await write(removal(key, ""));
      expect(await read(key)).toBeUndefined();
    });
    test("write with first-write and no etag inserts once", async (context) => {
      if (!has("ETAG")) context.skip(`${name} has no etags`);
      const key = newKey();
      await write(put(key, "1", { concurrency: "first-write" }));
      await refusal(write(put(key, "2", { concurrency: "first-write" })), inserted);
      expect(await textAt(key)).toBe("1");
      await write(removal(key));
      await write(put(key, "3", { concurrency: "first-write" }));
      expect(await textAt(key)).toBe("3");
    });
    test(`write with first-write and no etag refuses ${traits.firstWriteRefuses}`, async (context) => {
      if (!has("ETAG")) context.skip(`${name} has no etags`);
      const key = newKey();
      await write(put(key, "1"));
      const writing = write(put(key, "2", { concurrency: "first-write" }));
      if (traits.firstWriteRefuses === "every-key") await refusal(writing, inserted);
      else await writing;
      expect(await textAt(key)).toBe(traits.firstWriteRefuses === "every-key" ? "1" : "2");
    });
    test("write with last-write and no etag overwrites", async () => {
      const key = newKey();
      await write(put(key, "1"));
      await write(put(key, "2", { concurrency: "last-write" }));
      expect(await textAt(key)).toBe("2");
    });
    test("write lets exactly one of 50 through that have the same etag, version after version", async (context) => {
      if (!has("ETAG")) context.skip(`${name} has no etags`);
      const key = newKey();
      await write(put(key, '"start"'));
      for (let version = 0; version < 5; version++) {
        const etag = await etagAt(key);
        const attempts = Array.from({ length: 50 }, (_, i) =>
          write(put(key, `"${version}-${i}"`, { etag, concurrency: "first-write" })),
        );
        const results = await Promise.allSettled(attempts);
        const winners = results.flatMap(({ status }, i) => (status === "fulfilled" ? [i] : []));
        expect(winners).toHaveLength(1);
        expect(await textAt(key)).toBe(`"${version}-${winners[0]}"`);
        const kinds = results.flatMap((result) =>
          result.status === "rejected" ? [kindOf(result.reason)] : [],
        );
        expect(new Set(kinds)).toEqual(new Set(["etag-mismatch"]));
      }
    });
    test("write lets exactly one of 50 inserts through", async (context) => {
      if (!has("ETAG")) context.skip(`${name} has no etags`);
      const key = newKey();
      const attempts = Array.from({ length: 50 }, (_, i) =>
        write(put(key, String(i), { concurrency: "first-write" })),
      );
      const results = await Promise.allSettled(attempts);
      expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    });
  });

  describe("time to live", () => {
    const shortest = traits.shortestTtl ?? 1;
    const ttl = (seconds: number | string): Pick<StatePut, "metadata"> => ({
      metadata: { ttlInSeconds: String(seconds) },
    });
    const expires = async (key: string): Promise<void> => {
      await traits.elapse?.(shortest * 1000 + 1100);
      await eventually(async () => (await read(key)) === undefined, {
        withinMs: traits.elapse ? 100 : shortest * 1000 + 3000,
        what: "the key to expire",
      });
    };
    const tooLong = shortest > 5 && !traits.elapse;

    test("write lets a value expire", async (context) => {
      if (!has("TTL") || tooLong) context.skip(`${name} lets nothing expire soon enough`);
      const [key, other] = [newKey(), newKey()];
      await Promise.all([write(put(key, "1", ttl(shortest))), write(put(other, "1"))]);
      await expires(key);
      expect(await textAt(other)).toBe("1");
      await write(put(key, "2"));
      expect(await textAt(key)).toBe("2");
    });
    test("write with first-write inserts over a value that has expired", async (context) => {
      if (!has("TTL") || !has("ETAG") || tooLong)
        context.skip(`${name} lets nothing expire soon enough`);
      const key = newKey();
      await write(put(key, "1", { concurrency: "first-write", ...ttl(shortest) }));
      await expires(key);
      await write(put(key, "2", { concurrency: "first-write" }));
      expect(await textAt(key)).toBe("2");
    });
    test("write refuses the etag of a value that has expired", async (context) => {
      if (!has("TTL") || !has("ETAG") || tooLong || traits.etagOnMissingKey !== "refused")
        context.skip(`${name} does not refuse it`);
      const key = newKey();
      await write(put(key, "1", ttl(shortest)));
      const etag = await etagAt(key);
      await expires(key);
      await refusal(write(put(key, "2", { etag })), "etag-mismatch");
      expect(await read(key)).toBeUndefined();
    });
    test("read says when a value expires", async (context) => {
      if (!has("TTL") || !traits.expiryIsRead) context.skip(`${name} does not say`);
      const key = newKey();
      await write(put(key, "1", ttl(3600)));
      const text = (await read(key))?.metadata?.["ttlExpireTime"] ?? "";
      expect(text).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
      const now = traits.elapse ? Date.parse(text) - 3_600_000 : Date.now();
      expect(Math.abs(Date.parse(text) - now - 3_600_000)).toBeLessThan(10_000);
      const plain = newKey();
      await write(put(plain, "1"));
      expect((await read(plain))?.metadata?.["ttlExpireTime"]).toBeUndefined();
    });
    test.for(["-1", "0"])("write with ttlInSeconds %s ends an expiry", async (none, context) => {
      if (!has("TTL") || tooLong) context.skip(`${name} lets nothing expire soon enough`);
      const key = newKey();
      await write(put(key, "1", ttl(shortest)));
      await write(put(key, "2", ttl(none)));
      const other = newKey();
      await write(put(other, "1", ttl(shortest)));
      await expires(other);
      expect(await textAt(key)).toBe("2");
    });
    test(`write without ttlInSeconds ${traits.putWithoutTtl ?? "(no TTL)"}`, async (context) => {
      if (!has("TTL") || tooLong) context.skip(`${name} lets nothing expire soon enough`);
      const [key, other] = [newKey(), newKey()];
      await write(put(key, "1", ttl(shortest)));
      await write(put(key, "2"));
      await write(put(other, "1", ttl(shortest)));
      await expires(other);
      expect(await textAt(key)).toBe(traits.putWithoutTtl === "ends-expiry" ? "2" : undefined);
    });
    test.for(["x", "1.5", "1s", "99999999999999999999"])(
      "write refuses ttlInSeconds %s",
      async (bad, context) => {
        if (!has("TTL")) context.skip(`${name} has no time to live`);
        const key = newKey();
        await refusal(write(put(key, "1", ttl(bad))), "rejected");
        expect(await read(key)).toBeUndefined();
      },
    );
  });

  describe("transactions", () => {
    const transact = (ops: readonly StateOp[]): Promise<void> => {
      if (!store.transact) throw new Error("no transactions");
      return store.transact(ops, options);
    };
    test("transact applies all operations", async (context) => {
      if (!store.transact) context.skip(`${name} has no transactions`);
      const [a, b, gone] = [newKey(), newKey(), newKey()];
      await write(put(gone, "1"));
      await transact([put(a, "1"), removal(gone), put(b, Uint8Array.of(0, 255))]);
      expect(await textAt(a)).toBe("1");
      expect(bytesOf(await read(b))).toEqual(Uint8Array.of(0, 255));
      expect(await read(gone)).toBeUndefined();
    });
    test("transact takes one operation, and none", async (context) => {
      if (!store.transact) context.skip(`${name} has no transactions`);
      const key = newKey();
      await transact([]);
      await transact([put(key, "1")]);
      expect(await textAt(key)).toBe("1");
    });
    test.for(["put", "delete", "insert"] as const)(
      "transact applies nothing when a %s in its middle is refused for its etag",
      async (middle, context) => {
        if (!store.transact || !has("ETAG")) context.skip(`${name} has no transactions with etags`);
        const [a, b, c] = [newKey(), newKey(), newKey()];
        await Promise.all([
          write(put(a, '"a"')),
          write(put(b, '"b"', { concurrency: "first-write" })),
        ]);
        const refused: StateOp =
          middle === "put"
            ? put(b, "2", { etag: traits.staleEtag })
            : middle === "delete"
              ? removal(b, traits.staleEtag)
              : put(b, "2", { concurrency: "first-write" });
        const kind = middle === "insert" ? inserted : "etag-mismatch";
        await refusal(transact([put(a, "1"), refused, put(c, "3"), removal(a)]), kind);
        expect(await Promise.all([a, b, c].map(textAt))).toEqual(['"a"', '"b"', undefined]);
      },
    );
    test("transact applies nothing when an operation cannot be read", async (context) => {
      if (!store.transact || !has("TTL"))
        context.skip(`${name} has no transactions with time to live`);
      const [a, b] = [newKey(), newKey()];
      await refusal(
        transact([put(a, "1"), put(b, "1", { metadata: { ttlInSeconds: "x" } })]),
        "rejected",
      );
      expect(await read(a)).toBeUndefined();
    });
    test("transact checks current etags and applies on them", async (context) => {
      if (!store.transact || !has("ETAG")) context.skip(`${name} has no transactions with etags`);
      const [a, b] = [newKey(), newKey()];
      await Promise.all([write(put(a, "1")), write(put(b, "1"))]);
      const [etagA, etagB] = [await etagAt(a), await etagAt(b)];
      await transact([put(a, "2", { etag: etagA }), removal(b, etagB)]);
      expect(await textAt(a)).toBe("2");
      expect(await read(b)).toBeUndefined();
      await refusal(transact([put(a, "3", { etag: etagA })]), "etag-mismatch");
    });
    test("transact keeps the order of operations on one key", async (context) => {
      if (!store.transact) context.skip(`${name} has no transactions`);
      const [a, b] = [newKey(), newKey()];
      await transact([put(a, "1"), removal(a), put(a, "2"), put(b, "1"), removal(b)]);
      expect(await textAt(a)).toBe("2");
      expect(await read(b)).toBeUndefined();
    });
    test("transact lets exactly one of 50 through that have the same etags", async (context) => {
      if (!store.transact || !has("ETAG")) context.skip(`${name} has no transactions with etags`);
      const [a, b] = [newKey(), newKey()];
      await transact([put(a, '"start"'), put(b, '"start"')]);
      const [etag, other] = [await etagAt(a), await etagAt(b)];
      const attempts = Array.from({ length: 50 }, (_, i) =>
        transact([put(a, String(i), { etag }), put(b, String(i), { etag: other })]),
      );
      const results = await Promise.allSettled(attempts);
      const winners = results.flatMap(({ status }, i) =>
        status === "fulfilled" ? [String(i)] : [],
      );
      expect(winners).toHaveLength(1);
      expect([await textAt(a), await textAt(b)]).toEqual([winners[0], winners[0]]);
    });
    test("transact takes 100 operations", async (context) => {
      if (!store.transact) context.skip(`${name} has no transactions`);
      const most = (await store.maxTransactionOperations?.(options)) ?? 100;
      const keys = Array.from({ length: Math.min(100, most) }, () => newKey());
      await transact(keys.map((key, i) => put(key, String(i))));
      expect(await textAt(keys.at(-1) as string)).toBe(String(keys.length - 1));
    });
  });

  describe("fenced writes", () => {
    fencedWritesContract({ ...subject, store: () => store, newKey });
  });

  describe("many keys", () => {
    test("keysLike finds keys by pattern, in order, and takes escaped wildcards for themselves", async (context) => {
      if (!store.keysLike) context.skip(`${name} cannot list keys`);
      const like = (pattern: string) => store.keysLike?.(`${run}||like||${pattern}`, options);
      const keys = ["a1", "a2", "a%", "a_", "a*", "A1", "ü1", "b", "a"].map((suffix) =>
        keyNamed(`like||${suffix}`),
      );
      await Promise.all(keys.map((key) => write(put(key, "1"))));
      const named = (...suffixes: string[]) =>
        suffixes.map((suffix) => keyNamed(`like||${suffix}`)).sort();
      expect(await like("a_")).toEqual(named("a1", "a2", "a%", "a_", "a*"));
      expect(await like("a%")).toEqual(named("a", "a1", "a2", "a%", "a_", "a*"));
      expect(await like("a\\%")).toEqual(named("a%"));
      expect(await like("a\\_")).toEqual(named("a_"));
      expect(await like("a*")).toEqual(named("a*"));
      expect(await like("_1")).toEqual(named("A1", "a1", "ü1"));
      expect(await like("%1")).toEqual(named("A1", "a1", "ü1"));
      expect(await like("b")).toEqual(named("b"));
      expect(await like("nothing%")).toEqual([]);
    });
    test("deleteWithPrefix removes one level of keys and counts them", async (context) => {
      if (!store.deleteWithPrefix) context.skip(`${name} cannot remove by prefix`);
      const keys = ["p||1", "p||2", "p||deep||3", "q||1"].map((suffix) => keyNamed(suffix));
      await Promise.all(keys.map((key) => write(put(key, "1"))));
      expect(await store.deleteWithPrefix?.(keyNamed("p||"), options)).toBe(2);
      expect(await Promise.all(keys.map(textAt))).toEqual([undefined, undefined, "1", "1"]);
      expect(await store.deleteWithPrefix?.(keyNamed("p||"), options)).toBe(0);
    });
    test("write takes 500 keys side by side", async () => {
      const keys = Array.from({ length: 500 }, () => newKey());
      await Promise.all(keys.map((key, i) => write(put(key, String(i)))));
      const reads = keys.map((key) => ({ key, metadata: noMetadata }));
      expect((await store.read(reads, options)).map(textOf)).toEqual(keys.map((_, i) => String(i)));
    });
  });
}

function removal(key: string, etag?: string): StateDelete {
  return { op: "delete", key, metadata: noMetadata, ...(etag === undefined ? {} : { etag }) };
}
function bytesOf(item: StateItem | undefined): Uint8Array {
  if (item === undefined) throw new Error("nothing is stored");
  return typeof item.value === "string" ? encoder.encode(item.value) : new Uint8Array(item.value);
}
function textOf(item: StateItem | undefined): string | undefined {
  return item && new TextDecoder().decode(bytesOf(item));
}
async function refusal(work: Promise<unknown>, ...kinds: readonly FailureKind[]): Promise<void> {
  const [result] = await Promise.allSettled([work]);
  if (result?.status !== "rejected")
    throw new Error(`expected a refusal (${kinds.join(" or ")}), but it went through`);
  expect(kinds).toContain(kindOf(result.reason));
}
function kindOf(reason: unknown): FailureKind {
  if (!ComponentError.is(reason)) throw reason;
  return reason.kind;
}
