import { describe, expect, onTestFinished, test } from "vitest";
import { state } from "#components/redis/manifest.ts";
import type { FencedWrites, StateOp, StateStore } from "#core/ports/state-store.ts";
import { eventually } from "#test/support/eventually.ts";
import { openComponent } from "#test/support/host.ts";
import {
  hasRedisServer,
  redisServer,
  type RedisServerProcess,
} from "#test/support/redis-server.ts";

const options = { signal: new AbortController().signal };
const scope = '["shop","counter","1"]';
const put = (key: string, value: string, more: object = {}): StateOp => ({
  op: "put",
  key,
  value,
  metadata: {},
  ...more,
});

async function opened(
  config: readonly string[] = [],
  metadata: Readonly<Record<string, string>> = {},
): Promise<{ server: RedisServerProcess; store: StateStore; fenced: FencedWrites }> {
  const server = await redisServer(config);
  onTestFinished(() => server.stop());
  if (config.length > 0) {
    await server.cli("CLUSTER", "ADDSLOTSRANGE", "0", "16383");
    await eventually(async () =>
      (await server.cli("CLUSTER", "INFO")).includes("cluster_state:ok"),
    );
  }
  const store = await openComponent(state, { redisHost: server.address, ...metadata });
  onTestFinished(() => store[Symbol.asyncDispose]());
  return { server, store, fenced: store.fenced as FencedWrites };
}
const valuesAt = async (store: StateStore, ...keys: readonly string[]) =>
  (
    await store.read(
      keys.map((key) => ({ key, metadata: {} })),
      options,
    )
  ).map((item) => item && String(item.value));

const reason = hasRedisServer ? "" : " (skipped: redis-server is not installed)";

describe.skipIf(!hasRedisServer)(`state.redis: fenced writes${reason}`, () => {
  test("transact refuses a smaller fence and writes nothing; an equal or a greater one may", async () => {
    const { store, fenced } = await opened();
    const fence = (number: number) => ({ scope, fence: number });
    await fenced.transact([put("a", "1"), put("b", "1")], fence(2 ** 52), options);
    const late = fenced.transact(
      [put("a", "old"), { op: "delete", key: "b", metadata: {} }],
      fence(2 ** 52 - 1),
      options,
    );
    await expect(late).rejects.toMatchObject({ kind: "fenced" });
    expect(await valuesAt(store, "a", "b")).toEqual(["1", "1"]);
    await fenced.transact([put("a", "2")], fence(2 ** 52), options);
    await fenced.transact([put("a", "3")], fence(2 ** 52 + 1), options);
    expect(await valuesAt(store, "a")).toEqual(["3"]);
  });
  test("raise refuses smaller fences from then on, and is refused like them", async () => {
    const { store, fenced } = await opened();
    await fenced.raise({ scope, fence: 10 }, options);
    const late = fenced.transact([put("a", "1")], { scope, fence: 9 }, options);
    await expect(late).rejects.toMatchObject({ kind: "fenced" });
    await expect(fenced.raise({ scope, fence: 9 }, options)).rejects.toMatchObject({
      kind: "fenced",
    });
    await fenced.raise({ scope, fence: 10 }, options);
    await fenced.transact([], { scope, fence: 11 }, options);
    await expect(fenced.raise({ scope, fence: 10 }, options)).rejects.toMatchObject({
      kind: "fenced",
    });
    expect(await valuesAt(store, "a")).toEqual([undefined]);
  });
  test("scopes do not meet, and writes without a fence go past them", async () => {
    const { store, fenced } = await opened();
    await fenced.raise({ scope, fence: 10 }, options);
    for (const other of [`${scope} `, "", "a||b", "{}"])
      await fenced.transact([put(`of ${other}`, "1")], { scope: other, fence: 1 }, options);
    await store.transact?.([put("a", "1")], options);
    expect(await valuesAt(store, "of ", "a")).toEqual(["1", "1"]);
  });
  test("transact checks etags as without a fence, and writes all or nothing", async () => {
    const { store, fenced } = await opened();
    await store.write(put("a", "1"), options);
    const ops = [put("b", "1"), put("a", "2", { etag: "4711" })];
    await expect(fenced.transact(ops, { scope, fence: 1 }, options)).rejects.toMatchObject({
      kind: "etag-mismatch",
    });
    expect(await valuesAt(store, "a", "b")).toEqual(["1", undefined]);
  });
  test("a fence is kept for a day after it was named last", async () => {
    const { server, fenced } = await opened();
    const ttl = async () => Number(await server.cli("TTL", `outrigger:fence:${scope}`));
    await fenced.raise({ scope, fence: 1 }, options);
    expect(await ttl()).toBeGreaterThan(86_000);
    await server.cli("EXPIRE", `outrigger:fence:${scope}`, "10");
    await fenced.transact([put("a", "1")], { scope, fence: 1 }, options);
    expect(await ttl()).toBeGreaterThan(86_000);
  });
  test("in a cluster, where fence and keys need not share a slot, writes are not fenced", async () => {
    const config = ["cluster-enabled yes", "cluster-node-timeout 2000"];
    const { store } = await opened(config, { redisType: "cluster" });
    expect(store.fenced).toBeUndefined();
  });
});
