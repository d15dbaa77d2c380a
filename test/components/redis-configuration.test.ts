import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { configuration, configurationOnRequest } from "#components/redis/manifest.ts";
import type { ConfigurationItems, ConfigurationStore } from "#core/ports/configuration-store.ts";
import { configurationStoreContract } from "#test/contracts/configuration-store.ts";
import { eventually } from "#test/support/eventually.ts";
import { openComponent, testHost, type TestHost } from "#test/support/host.ts";
import {
  hasRedisServer,
  redisServer,
  type RedisServerProcess,
} from "#test/support/redis-server.ts";

const options = { signal: new AbortController().signal };
const item = (value: string, version = "") => ({ value, version, metadata: {} });
const reason = hasRedisServer ? "" : " (skipped: redis-server is not installed)";

async function started(config?: readonly string[], sentinel = false): Promise<RedisServerProcess> {
  const server = await redisServer(config, { sentinel });
  onTestFinished(() => server.stop());
  return server;
}
async function opened(
  metadata: Readonly<Record<string, string>>,
  host: TestHost = testHost(),
): Promise<ConfigurationStore> {
  const store = await openComponent(configuration, metadata, host);
  onTestFinished(() => store[Symbol.asyncDispose]());
  return store;
}
async function watch(store: ConfigurationStore, keys: readonly string[]) {
  const seen: ConfigurationItems[] = [];
  const controller = new AbortController();
  onTestFinished(() => controller.abort());
  const keep = async (items: ConfigurationItems): Promise<void> => void seen.push(items);
  await store.watch?.(keys, {}, keep, controller);
  return { seen, stop: () => controller.abort() };
}
/** How many connections listen, and to what. */
async function listening(server: RedisServerProcess) {
  const list = await server.cli("CLIENT", "LIST", "TYPE", "pubsub");
  return {
    connections: list === "" ? 0 : list.split("\n").length,
    channels: (await server.cli("PUBSUB", "CHANNELS")).split("\n").filter(Boolean),
    patterns: Number(await server.cli("PUBSUB", "NUMPAT")),
  };
}
const nothing = { connections: 0, channels: [], patterns: 0 };

describe.skipIf(!hasRedisServer)(`configuration.redis${reason}`, () => {
  // Of its own: watching changes a setting of the server.
  let server: RedisServerProcess;
  beforeAll(async () => {
    server = await redisServer();
  });
  afterAll(() => server.stop());
  configurationStoreContract({
    open: () => openComponent(configuration, { redisHost: server.address }),
    set: async (key, value, version) => {
      await server.cli("SET", key, version === undefined ? value : `${value}||${version}`);
    },
    remove: async (key) => void (await server.cli("DEL", key)),
  });
});

describe.skipIf(!hasRedisServer)(`configuration.redis: what is stored${reason}`, () => {
  test("get reads value and version, and passes over what is not a string", async () => {
    const server = await started();
    const store = await opened({ redisHost: server.address });
    await server.cli("MSET", "a", "1||v1", "b", "2||v2||more", "c", "3", "d", "||v4", "e", "5||");
    await server.cli("HSET", "hash", "field", "1");
    const all = { a: item("1", "v1"), b: item("2", "v2"), c: item("3"), e: item("5") };
    expect(await store.get([], {}, options)).toEqual(all);
    expect(await store.get(["a", "a", "d", "hash", "none"], {}, options)).toEqual({ a: all.a });
  });
  test("get without keys reads past one page, and refuses more than it can hold", async () => {
    const server = await started(["enable-debug-command yes"]);
    const store = await opened({ redisHost: server.address });
    await server.cli("DEBUG", "POPULATE", "5000", "key");
    expect(Object.keys(await store.get([], {}, options))).toHaveLength(5000);
    await server.cli("DEBUG", "POPULATE", "100001", "key");
    await expect(store.get([], {}, options)).rejects.toThrow(
      "the database has more than 100000 keys; ask for those that you need",
    );
  });
  test("get refuses more text than it can hold", async () => {
    const server = await started(["enable-debug-command yes"]);
    const store = await opened({ redisHost: server.address });
    await server.cli("DEBUG", "POPULATE", "1000", "big", "80000");
    await expect(store.get([], {}, options)).rejects.toThrow("ask for fewer keys");
  });
  test("get and watch keep to their database", async () => {
    const server = await started();
    const store = await opened({ redisHost: server.address, redisDB: "3" });
    const { seen } = await watch(store, ["k"]);
    await server.cli("SET", "k", "elsewhere");
    await server.cli("-n", "3", "SET", "k", "here");
    await eventually(() => seen.length > 0);
    expect(seen).toEqual([{ k: item("here") }]);
    expect(await store.get([], {}, options)).toEqual({ k: item("here") });
  });
  test("get refuses more keys than it can hold", async () => {
    const server = await started();
    const store = await opened({ redisHost: server.address });
    const keys = Array.from({ length: 100_001 }, (_, i) => `key-${i}`);
    await expect(store.get(keys, {}, options)).rejects.toThrow("more than 100000 keys at once");
    await expect(watch(store, keys)).rejects.toThrow("more than 100000 keys at once");
    expect(await listening(server)).toEqual(nothing);
  });
  test("where nothing runs between requests, items are read and not watched", async () => {
    const server = await started();
    const store = await openComponent(configurationOnRequest, { redisHost: server.address });
    onTestFinished(() => store[Symbol.asyncDispose]());
    await server.cli("SET", "k", "1");
    expect(await store.get(["k"], {}, options)).toEqual({ k: item("1") });
    expect(store.watch).toBeUndefined();
  });
  test("get says which key could not be read", async () => {
    const server = await started(["user default on nopass ~* &* +@all -get"]);
    const store = await opened({ redisHost: server.address });
    await expect(store.get(["k"], {}, options)).rejects.toThrow(
      /^fail to get configuration for redis key=k, error is NOPERM/,
    );
  });
});

describe.skipIf(!hasRedisServer)(`configuration.redis: notifications${reason}`, () => {
  test("watch turns on the events that it needs, and leaves those of others", async () => {
    const server = await started(['notify-keyspace-events "El"']);
    const store = await opened({ redisHost: server.address });
    await watch(store, ["k"]);
    const flags = (await server.cli("CONFIG", "GET", "notify-keyspace-events")).split("\n")[1];
    expect([...(flags ?? "")].sort().join("")).toBe([..."$EKeglx"].sort().join(""));
    const all = await started(['notify-keyspace-events "AKE"']);
    await watch(await opened({ redisHost: all.address }), ["k"]);
    expect(await all.cli("CONFIG", "GET", "notify-keyspace-events")).toMatch(/\nAKE$/);
  });
  test("watch works without the right to turn events on, and says so", async () => {
    const server = await started([
      "user default on nopass ~* &* +@all -config",
      "user admin on nopass ~* &* +@all",
      'notify-keyspace-events "AK"',
    ]);
    const host = testHost();
    const { seen } = await watch(await opened({ redisHost: server.address }, host), ["k"]);
    await server.cli("SET", "k", "1");
    await eventually(() => seen.length > 0);
    expect(host.lines).toEqual([
      { level: "warn", message: expect.stringMatching(/does not let its key events be turned on/) },
    ]);
  });
  test("watch reports what expires, and what is renamed", async () => {
    const server = await started();
    const { seen } = await watch(await opened({ redisHost: server.address }), ["gone", "new"]);
    await server.cli("SET", "gone", "1", "PX", "20");
    await eventually(() => expect(seen.at(-1)).toEqual({ gone: item("") }) ?? true);
    await server.cli("SET", "old", "2||v");
    await server.cli("RENAME", "old", "new");
    await eventually(() => expect(seen.at(-1)).toEqual({ new: item("2", "v") }) ?? true);
  });
  test("one connection listens for all, and none once nobody does", async () => {
    const server = await started();
    const store = await opened({ redisHost: server.address });
    expect(await listening(server)).toEqual(nothing);
    const watches = [
      await watch(store, ["a", "b"]),
      await watch(store, ["b", "b"]),
      await watch(store, []),
    ];
    expect(await listening(server)).toEqual({
      connections: 1,
      channels: expect.toSatisfy((names: string[]) => names.length === 2) as string[],
      patterns: 1,
    });
    watches[0]?.stop();
    await eventually(async () => (await listening(server)).channels.length === 1);
    expect(await server.cli("PUBSUB", "CHANNELS")).toBe("__keyspace@0__:b");
    watches[2]?.stop();
    await eventually(async () => (await listening(server)).patterns === 0);
    watches[1]?.stop();
    await eventually(async () => expect(await listening(server)).toEqual(nothing) ?? true);
    const again = await watch(store, ["a"]);
    await server.cli("SET", "a", "1");
    await eventually(() => again.seen.length > 0);
    await store[Symbol.asyncDispose]();
    await eventually(async () => expect(await listening(server)).toEqual(nothing) ?? true);
    await server.cli("SET", "a", "2");
    expect(again.seen).toHaveLength(1);
  });
  test("watch goes on after the server was away, and reports what changed meanwhile", async () => {
    const server = await started();
    const host = testHost();
    const store = await opened({ redisHost: server.address, readTimeout: "500ms" }, host);
    await server.cli("SET", "k", "1");
    const { seen } = await watch(store, ["k"]);
    await server.kill();
    await server.start();
    // As if it had kept its data: written, maybe, before anybody listens again.
    await server.cli("SET", "k", "2");
    await eventually(() => expect(seen.at(-1)).toEqual({ k: item("2") }) ?? true, {
      withinMs: 10_000,
    });
    await server.cli("SET", "k", "3");
    await eventually(() => expect(seen.at(-1)).toEqual({ k: item("3") }) ?? true);
    const text = host.lines.map(({ message }) => message).join("\n");
    expect(text).toMatch(/Lost the notifications of Redis/);
    expect(text).toMatch(/Receiving notifications of Redis at .* again/);
  });
  test("watch goes on after the server stood still", async () => {
    const server = await started();
    const host = testHost();
    const store = await opened({ redisHost: server.address, readTimeout: "400ms" }, host);
    const { seen } = await watch(store, ["k"]);
    server.pause();
    await eventually(() => host.lines.some(({ message }) => message.startsWith("Lost the notif")));
    server.resume();
    await eventually(async () => {
      await server.cli("SET", "k", "1");
      return seen.length > 0;
    });
  });
  test("watch says why it cannot begin", async () => {
    const server = await started(["user default on nopass ~* &* +@all -subscribe -psubscribe"]);
    const store = await opened({ redisHost: server.address, readTimeout: "300ms" });
    await expect(watch(store, ["k"])).rejects.toThrow(/NOPERM/);
    await server.kill();
    await expect(watch(store, ["k"])).rejects.toMatchObject({ kind: "unavailable" });
  });
  test("watch follows a failover", async () => {
    const [master, replica] = [await started(), await started()];
    await replica.cli("REPLICAOF", "127.0.0.1", String(master.port));
    const monitor = `sentinel monitor main 127.0.0.1 ${master.port} 1`;
    const sentinel = await started(
      [monitor, "sentinel down-after-milliseconds main 300", "sentinel failover-timeout main 1000"],
      true,
    );
    await eventually(async () =>
      (await replica.cli("INFO", "replication")).includes("master_link_status:up"),
    );
    await eventually(async () =>
      (await sentinel.cli("SENTINEL", "REPLICAS", "main")).includes(String(replica.port)),
    );
    const store = await opened({
      redisHost: sentinel.address,
      failover: "true",
      sentinelMasterName: "main",
      readTimeout: "500ms",
    });
    const { seen, stop } = await watch(store, ["k"]);
    await master.cli("SET", "k", "1");
    await eventually(() => expect(seen.at(-1)).toEqual({ k: item("1") }) ?? true);
    await master.kill();
    await eventually(
      async () => {
        await replica.cli("SET", "k", "2");
        return seen.at(-1)?.["k"]?.value === "2";
      },
      { withinMs: 15_000 },
    );
    stop();
    await eventually(async () =>
      (await listening(replica)).channels.every((name) => !name.includes("keyspace")),
    );
  });
});
