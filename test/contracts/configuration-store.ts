import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import type { ConfigurationItems, ConfigurationStore } from "#core/ports/configuration-store.ts";
import { eventually } from "#test/support/eventually.ts";

export interface ConfigurationStoreSubject {
  readonly open: () => Promise<ConfigurationStore>;
  /** Writes an item as its users would. */
  readonly set: (key: string, value: string, version?: string) => Promise<void>;
  readonly remove: (key: string) => Promise<void>;
}
const options = { signal: new AbortController().signal };
let keys = 0;
const freshKey = (): string => `contract-${keys++}-${crypto.randomUUID()}`;
const item = (value: string, version = "") => ({ value, version, metadata: {} });

/** What every configuration store promises, whatever is behind it. */
export function configurationStoreContract({ open, set, remove }: ConfigurationStoreSubject): void {
  let store: ConfigurationStore;
  const used: string[] = [];
  const fresh = (): string => {
    const key = freshKey();
    used.push(key);
    return key;
  };
  beforeAll(async () => {
    store = await open();
  });
  afterAll(async () => {
    await Promise.all(used.map((key) => remove(key)));
    await store?.[Symbol.asyncDispose]();
  });
  /** Watches until the test ends; keeps what comes. */
  async function watch(
    watched: readonly string[],
    changed: (items: ConfigurationItems) => Promise<void> = async () => {},
  ) {
    const seen: ConfigurationItems[] = [];
    const controller = new AbortController();
    onTestFinished(() => controller.abort());
    const keep = async (items: ConfigurationItems): Promise<void> => {
      seen.push(items);
      await changed(items);
    };
    await store.watch?.(watched, {}, keep, controller);
    return { seen, stop: () => controller.abort(), last: () => seen.at(-1) };
  }

  test("get gives what is there, and leaves out what is not", async () => {
    const [a, b, c] = [fresh(), fresh(), fresh()];
    await set(a, "Größe \u{1F600}", "3");
    await set(b, "plain");
    expect(await store.get([a, b, c], {}, options)).toEqual({
      [a]: item("Größe \u{1F600}", "3"),
      [b]: item("plain"),
    });
    expect(await store.get([c], {}, options)).toEqual({});
  });
  test.each(["constructor", "__proto__", "toString"])("get knows no item %s", async (name) => {
    expect(Object.keys(await store.get([name], {}, options))).toEqual([]);
  });
  test("get without keys gives all", async () => {
    const [a, b] = [fresh(), fresh()];
    await set(a, "1");
    await set(b, "2");
    expect(await store.get([], {}, options)).toMatchObject({ [a]: item("1"), [b]: item("2") });
  });
  test("get ends with its signal", async () => {
    const controller = new AbortController();
    controller.abort(new Error("enough"));
    await expect(store.get([fresh()], {}, controller)).rejects.toThrow("enough");
  });
  test("watch reports new, changed and deleted items, of its keys only", async () => {
    const [a, b, other] = [fresh(), fresh(), fresh()];
    await set(a, "1");
    const { seen, last } = await watch([a, b]);
    expect(seen).toEqual([]);
    await set(other, "1");
    await set(a, "2", "v2");
    await eventually(() => expect(last()).toEqual({ [a]: item("2", "v2") }) ?? true);
    await set(b, "1");
    await eventually(() => expect(last()).toEqual({ [b]: item("1") }) ?? true);
    await remove(a);
    await eventually(() => expect(last()).toEqual({ [a]: item("") }) ?? true);
    expect(seen.flatMap((items) => Object.keys(items))).not.toContain(other);
  });
  test("watch without keys reports whatever changes", async () => {
    const [a, b] = [fresh(), fresh()];
    const { seen } = await watch([]);
    await set(a, "1");
    await set(b, "2");
    await eventually(
      () =>
        expect(seen).toEqual(expect.arrayContaining([{ [a]: item("1") }, { [b]: item("2") }])) ??
        true,
    );
  });
  test("watch reports a key by one at a time, and its last value in the end", async () => {
    const key = fresh();
    let running = 0;
    let most = 0;
    let letGo = (): void => {};
    const held = new Promise<void>((resolve) => (letGo = resolve));
    const { seen, last } = await watch([key], async () => {
      most = Math.max(most, ++running);
      await held;
      running--;
    });
    for (let i = 0; i < 20; i++) await set(key, String(i));
    await eventually(() => seen.length === 1);
    letGo();
    await eventually(() => expect(last()).toEqual({ [key]: item("19") }) ?? true);
    expect(most).toBe(1);
    expect(seen.length).toBeLessThan(20);
  });
  test("watch of several by one key tells each, and ends for each apart", async () => {
    const key = fresh();
    const [first, second] = [await watch([key]), await watch([key])];
    await set(key, "1");
    await eventually(() => first.seen.length > 0 && second.seen.length > 0);
    first.stop();
    const before = first.seen.length;
    await set(key, "2");
    await eventually(() => expect(second.last()).toEqual({ [key]: item("2") }) ?? true);
    expect(first.seen.length).toBe(before);
  });
  test("watch ends with a signal that has fired", async () => {
    const controller = new AbortController();
    controller.abort(new Error("enough"));
    await expect(store.watch?.([fresh()], {}, async () => {}, controller)).rejects.toThrow(
      "enough",
    );
  });
}
