import {
  env,
  evictDurableObject,
  runDurableObjectAlarm,
  runInDurableObject,
} from "cloudflare:test";
import { describe, expect, test } from "vitest";
import { state } from "#components/cloudflare-durable-state/manifest.ts";
import type { ComponentSpec, Host } from "#core/ports/manifest.ts";
import type { StateStore } from "#core/ports/state-store.ts";
import { stateStoreContract } from "#test/contracts/state-store.ts";

const objects = (env as { readonly STATE: DurableObjectNamespace }).STATE;
const log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const host: Host = {
  clock: {
    now: () => Date.now(),
    monotonic: () => performance.now(),
    sleep: () => Promise.reject(new Error("Nothing sleeps here")),
    after: () => () => {},
  },
  log,
  fetch: (input, init) => fetch(input, init),
  env: {},
  binding: (name) => (env as Readonly<Record<string, unknown>>)[name],
};
const spec = (name: string, metadata: ComponentSpec["metadata"] = {}): ComponentSpec => ({
  name,
  namespace: "",
  metadata,
});
const open = (name: string): Promise<StateStore> => state.open(spec(name), host);
const options = { signal: new AbortController().signal };

describe("state.cloudflare.durableobjects", () => {
  stateStoreContract({
    name: "state.cloudflare.durableobjects",
    open: () => open("contract"),
    traits: {
      foreignEtag: "etag-mismatch",
      staleEtag: crypto.randomUUID(),
      etagOnMissingKey: "refused",
      firstWriteRefuses: "every-key",
      expiryIsRead: true,
      putWithoutTtl: "ends-expiry",
    },
  });

  const put = (
    store: StateStore,
    key: string,
    value: string,
    ttlInSeconds?: string,
  ): Promise<void> =>
    store.write(
      { op: "put", key, value, metadata: ttlInSeconds === undefined ? {} : { ttlInSeconds } },
      options,
    );

  test("open says which binding is missing", async () => {
    await expect(state.open(spec("x", { binding: "NOWHERE" }), host)).rejects.toThrow(
      'The Worker has no Durable Object binding "NOWHERE"',
    );
  });
  test("write keeps components apart", async () => {
    const [one, two] = [await open("one"), await open("two")];
    await put(one, "key", "1");
    expect(await two.read([{ key: "key", metadata: {} }], options)).toEqual([undefined]);
  });
  test("write survives the object's eviction", async () => {
    const store = await open("evicted");
    await put(store, "key", "1");
    await evictDurableObject(objects.getByName("state-evicted"));
    expect((await store.read([{ key: "key", metadata: {} }], options))[0]?.value).toBe("1");
  });
  test("write refuses what no row holds, and keeps what was there", async () => {
    const store = await open("large");
    await put(store, "key", "1");
    await expect(put(store, "key", "x".repeat(3 * 1024 * 1024))).rejects.toMatchObject({
      kind: "rejected",
      message: "a key and its value must stay below 2 MB",
    });
    expect((await store.read([{ key: "key", metadata: {} }], options))[0]?.value).toBe("1");
  });
  test("the alarm sweeps what has expired and comes again for the rest", async () => {
    const store = await open("swept");
    await put(store, "soon", "1", "1");
    await put(store, "later", "1", "3600");
    await put(store, "never", "1");
    const object = objects.getByName("state-swept");
    const keys = (): Promise<string[]> =>
      runInDurableObject(object, (_, { storage }) =>
        storage.sql
          .exec<{ key: string }>("SELECT key FROM state ORDER BY key")
          .toArray()
          .map(({ key }) => key),
      );
    await runInDurableObject(object, (_, { storage }) => {
      storage.sql.exec("UPDATE state SET expires = ? WHERE key = 'soon'", Date.now() - 1);
    });
    expect(await keys()).toEqual(["later", "never", "soon"]);
    expect(await runDurableObjectAlarm(object)).toBe(true);
    expect(await keys()).toEqual(["later", "never"]);
    const next = await runInDurableObject(object, (_, { storage }) => storage.getAlarm());
    expect(next).toBeGreaterThan(Date.now() + 3_000_000);
  });
});
