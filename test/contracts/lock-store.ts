import { afterAll, beforeAll, expect, test } from "vitest";
import type { LockStore } from "#core/ports/lock-store.ts";
import { eventually } from "#test/support/eventually.ts";

export interface LockStoreSubject {
  readonly open: () => Promise<LockStore>;
}
const options = { signal: new AbortController().signal };

/** What every lock store promises, whatever is behind it. */
export function lockStoreContract({ open }: LockStoreSubject): void {
  let store: LockStore;
  const held: Array<readonly [resource: string, owner: string]> = [];
  beforeAll(async () => {
    store = await open();
  });
  afterAll(async () => {
    await Promise.all(held.map(([resource, owner]) => store.release(resource, owner, options)));
    await store?.[Symbol.asyncDispose]();
  });
  const acquire = (resource: string, owner: string, ttlSeconds = 30): Promise<boolean> => {
    held.push([resource, owner]);
    return store.acquire(resource, owner, ttlSeconds, options);
  };
  const fresh = (): string => `lock||contract||${crypto.randomUUID()}`;

  test("acquire lets one in, of however many", async () => {
    const resource = fresh();
    const owners = Array.from({ length: 20 }, (_, i) => `owner-${i}`);
    const results = await Promise.all(owners.map((owner) => acquire(resource, owner)));
    expect(results.filter(Boolean)).toHaveLength(1);
  });
  test("acquire does not let the owner in twice", async () => {
    const resource = fresh();
    expect([await acquire(resource, "me"), await acquire(resource, "me")]).toEqual([true, false]);
  });
  test("acquire gives a lock that expires", async () => {
    const resource = fresh();
    expect(await acquire(resource, "me", 1)).toBe(true);
    expect(await acquire(resource, "you")).toBe(false);
    await eventually(() => acquire(resource, "you"));
    expect(await store.release(resource, "me", options)).toBe("not-owner");
  });
  test("release takes a lock from its owner only", async () => {
    const resource = fresh();
    expect(await store.release(resource, "me", options)).toBe("absent");
    await acquire(resource, "me");
    expect(await store.release(resource, "you", options)).toBe("not-owner");
    expect(await acquire(resource, "you")).toBe(false);
    expect(await store.release(resource, "me", options)).toBe("released");
    expect(await store.release(resource, "me", options)).toBe("absent");
    expect(await acquire(resource, "you")).toBe(true);
  });
  test("locks of different resources do not meet, whatever they are called", async () => {
    const resource = fresh();
    for (const name of [resource, `${resource} `, `${resource}\n*`, `${resource}Größe`])
      expect(await acquire(name, "me")).toBe(true);
  });
  test("acquire and release end with their signal", async () => {
    const controller = new AbortController();
    controller.abort(new Error("enough"));
    await expect(store.acquire(fresh(), "me", 1, controller)).rejects.toThrow("enough");
    await expect(store.release(fresh(), "me", controller)).rejects.toThrow("enough");
  });
}
