import { describe, expect, onTestFinished, test } from "vitest";
import { lock } from "#components/redis/manifest.ts";
import { lockStoreContract } from "#test/contracts/lock-store.ts";
import { eventually } from "#test/support/eventually.ts";
import { openComponent } from "#test/support/host.ts";
import {
  hasRedisServer,
  redisServer,
  type RedisServerProcess,
} from "#test/support/redis-server.ts";
import { describeWith } from "#test/support/services.ts";

const options = { signal: new AbortController().signal };

await describeWith("redis", "lock.redis", ({ address }) => {
  lockStoreContract({ open: () => openComponent(lock, { redisHost: address }) });
});

async function started(config?: readonly string[]): Promise<RedisServerProcess> {
  const server = await redisServer(config);
  onTestFinished(() => server.stop());
  return server;
}
const reason = hasRedisServer ? "" : " (skipped: redis-server is not installed)";

describe.skipIf(!hasRedisServer)(`lock.redis: servers${reason}`, () => {
  test("acquire leaves what Dapr leaves", async () => {
    const server = await started();
    const store = await openComponent(lock, { redisHost: server.address, maxRetries: "3" });
    onTestFinished(() => store[Symbol.asyncDispose]());
    await store.acquire("lock||app||r", "me", 100, options);
    expect(await server.cli("GET", "lock||app||r")).toBe("me");
    expect(Number(await server.cli("TTL", "lock||app||r"))).toBeGreaterThan(95);
  });
  test("acquire takes no key over that holds something else, and release says so", async () => {
    const server = await started();
    const store = await openComponent(lock, { redisHost: server.address });
    onTestFinished(() => store[Symbol.asyncDispose]());
    await server.cli("HSET", "k", "field", "1");
    expect(await store.acquire("k", "me", 1, options)).toBe(false);
    await expect(store.release("k", "me", options)).rejects.toThrow(/WRONGTYPE/);
  });
  test("open refuses a server with replicas, and a cluster", async () => {
    const [master, replica] = [await started(), await started()];
    await replica.cli("REPLICAOF", master.host, String(master.port));
    await eventually(async () =>
      (await master.cli("INFO", "replication")).includes("connected_slaves:1"),
    );
    await expect(openComponent(lock, { redisHost: master.address })).rejects.toThrow(
      "replication is not supported",
    );
    await eventually(async () => (await clients(master)) === 1);
    await expect(
      openComponent(lock, { redisHost: master.address, redisType: "cluster" }),
    ).rejects.toThrow("does not support connecting to Redis Cluster");
  });
  test("acquire is unavailable while the server is gone, and works once it is back", async () => {
    const server = await started();
    const store = await openComponent(lock, { redisHost: server.address, readTimeout: "300ms" });
    onTestFinished(() => store[Symbol.asyncDispose]());
    await server.kill();
    await expect(store.acquire("k", "me", 10, options)).rejects.toMatchObject({
      kind: "unavailable",
    });
    await server.start();
    await eventually(() => store.acquire("k2", "me", 10, options));
    await store[Symbol.asyncDispose]();
    await eventually(async () => (await clients(server)) === 1);
  });
});

/** Connections of applications, that of the question included. */
async function clients(server: RedisServerProcess): Promise<number> {
  return (await server.cli("CLIENT", "LIST", "TYPE", "normal")).split("\n").length;
}
