import { describe, expect, onTestFinished, test } from "vitest";
import { coordination } from "#components/redis/manifest.ts";
import type { Coordination } from "#core/ports/coordination.ts";
import type { DueEntry, DueSelection } from "#core/ports/due-times.ts";
import type { ActorMember } from "#core/ports/ownership.ts";
import { selectsAsModel } from "#test/contracts/due-selection.ts";
import { survivesKill } from "#test/contracts/survives-kill.ts";
import { eventually } from "#test/support/eventually.ts";
import { openComponent, testHost } from "#test/support/host.ts";
import {
  hasRedisServer,
  redisServer,
  type RedisServerProcess,
} from "#test/support/redis-server.ts";

const options = { signal: new AbortController().signal };
const leaseMs = 30_000;
const now = Date.UTC(2030, 0, 1);

async function started(config?: readonly string[]): Promise<RedisServerProcess> {
  const server = await redisServer(config);
  onTestFinished(() => server.stop());
  return server;
}
async function opened(metadata: Readonly<Record<string, string>>): Promise<Coordination> {
  const opened = await openComponent(coordination, metadata);
  onTestFinished(() => opened[Symbol.asyncDispose]());
  return opened;
}
const memberOf = (more: Partial<ActorMember> = {}): ActorMember => ({
  id: crypto.randomUUID(),
  namespace: "shop",
  appId: "cart",
  address: "10.0.0.7:50002",
  types: ["counter"],
  ...more,
});
const actor = (id: string) => ({ namespace: "shop", type: "counter", id });
const entryOf = (more: Partial<DueEntry> = {}): DueEntry => ({
  queue: "q",
  owner: "",
  name: "a",
  dueAt: now,
  data: "{}",
  ...more,
});
const claimOptions = { ...options, now, limit: 100, holdMs: 5000 };
/** Keys of the server, in order; none comes in two lines. */
const keysOf = async (server: RedisServerProcess): Promise<readonly string[]> =>
  (await server.cli("KEYS", "*")).split("\n").sort();

const reason = hasRedisServer ? "" : " (skipped: redis-server is not installed)";

describe.skipIf(!hasRedisServer)(`coordination.redis: keys${reason}`, () => {
  test("all keys of a group share its hash tag, whatever it is called", async () => {
    const server = await started();
    const { ownership, dueTimes } = await opened({ redisHost: server.address, group: "a}{b%" });
    const member = memberOf();
    await ownership.join(member, leaseMs, options);
    await ownership.claim(actor("1"), member.id, options);
    await dueTimes.put(entryOf({ queue: "{q}" }), true, options);
    await dueTimes.claim(["{q}"], claimOptions);
    const prefix = "outrigger:{a%7D%7Bb%25}:";
    expect(await keysOf(server)).toEqual(
      [
        "claims:{q}",
        "due:{q}",
        "entries:{q}",
        "fence",
        "leases",
        "members",
        "names:{q}",
        "owners",
      ].map((key) => prefix + key),
    );
  });
  test("nothing is left of what is released, left and deleted, but the greatest fence", async () => {
    const server = await started();
    const { ownership, dueTimes } = await opened({ redisHost: server.address });
    const [member, other] = [memberOf(), memberOf()];
    await ownership.join(member, leaseMs, options);
    await ownership.join(other, leaseMs, options);
    for (const id of ["1", "2", "3"]) await ownership.claim(actor(id), member.id, options);
    const { fence } = await ownership.claim(actor("4"), other.id, options);
    await ownership.release([{ actor: actor("4"), fence }], options);
    await ownership.leave(member.id, options);
    await ownership.renew([other.id], leaseMs, options);
    await ownership.leave(other.id, options);
    await dueTimes.put(entryOf(), true, options);
    const { entries } = await dueTimes.claim(["q"], claimOptions);
    await dueTimes.complete(
      entries.map((entry) => ({ entry })),
      options,
    );
    const last = memberOf();
    await ownership.join(last, leaseMs, options);
    await ownership.renew([last.id], leaseMs, options);
    await ownership.leave(last.id, options);
    await eventually(async () => {
      await ownership.renew(["nobody"], leaseMs, options);
      return (await server.cli("KEYS", "*")) === "outrigger:{default}:fence";
    });
  });
  test("owners that lost their leases are removed a page at a time, and no others", async () => {
    const server = await started();
    const { ownership } = await opened({ redisHost: server.address });
    const [member, other] = [memberOf(), memberOf()];
    await ownership.join(member, leaseMs, options);
    await ownership.join(other, leaseMs, options);
    const ids = Array.from({ length: 1000 }, (_, i) => `${i}`);
    await Promise.all(
      ids.map((id, i) => ownership.claim(actor(id), i % 2 ? member.id : other.id, options)),
    );
    const owned = async (): Promise<number> =>
      Number(await server.cli("HLEN", "outrigger:{default}:owners"));
    expect(await owned()).toBe(1000);
    await ownership.renew([member.id], 1, options);
    await eventually(async () => (await ownership.renew([], leaseMs, options)).length === 1);
    await ownership.renew([other.id], leaseMs, options);
    expect(await owned()).toBeGreaterThan(700);
    await eventually(async () => {
      await ownership.renew([other.id], leaseMs, options);
      return (await owned()) === 500;
    });
    expect((await ownership.ownerOf(actor("0"), options))?.owner).toEqual(other);
  });
  test("renew without ids changes nothing", async () => {
    const server = await started();
    const { ownership } = await opened({ redisHost: server.address });
    await ownership.join(memberOf(), 1, options);
    await eventually(async () => (await ownership.renew([], leaseMs, options)).length === 0);
    expect(await server.cli("ZCARD", "outrigger:{default}:leases")).toBe("1");
  });
  test("fences grow though the server has lost its data", async () => {
    const server = await started();
    const { ownership } = await opened({ redisHost: server.address });
    const member = memberOf();
    const fences: number[] = [];
    for (let i = 0; i < 2; i++) {
      await ownership.join(member, leaseMs, options);
      fences.push((await ownership.claim(actor("1"), member.id, options)).fence);
      await server.cli("FLUSHALL");
    }
    expect(fences[1]).toBeGreaterThan(fences[0] as number);
  });
  test("list and deleteAll select what the in-memory driver selects", async () => {
    const server = await started();
    const { dueTimes } = await opened({ redisHost: server.address });
    const texts = [
      "",
      "a",
      "aa",
      "ab",
      "a\0",
      "a\0b",
      "a\u0001",
      "\u0001",
      "\0",
      "b",
      "ü",
      "b\0\0",
    ];
    const selections: DueSelection[] = [
      { queue: "q" },
      ...texts.map((owner) => ({ queue: "q", owner })),
      ...texts.map((namePrefix) => ({ queue: "q", namePrefix })),
      { queue: "q", owner: "a", namePrefix: "a" },
      { queue: "q", owner: "a\0", namePrefix: "b" },
    ];
    await selectsAsModel(dueTimes, { texts, selections, limits: [1, 7, 1000] });
  });
  test("list and deleteAll go on where one script ends: at a number of entries, of owners, or of bytes", async () => {
    const server = await started();
    const { dueTimes } = await opened({ redisHost: server.address, readTimeout: "20s" });
    const put = (more: Partial<DueEntry>) => dueTimes.put(entryOf(more), true, options);
    const many = Array.from({ length: 2500 }, (_, i) => `${10_000 + i}`);
    await Promise.all(
      many.flatMap((text) => [put({ name: text }), put({ owner: text, name: "x" })]),
    );
    const list = (selection: Omit<DueSelection, "queue">, queue = "q") =>
      dueTimes.list({ queue, ...selection }, { ...options, limit: 10_000 });
    expect((await list({ owner: "" })).map(({ name }) => name)).toEqual(many);
    expect((await list({ namePrefix: "x" })).map(({ owner }) => owner)).toEqual(many);
    expect(await list({})).toHaveLength(5000);
    await dueTimes.deleteAll({ queue: "q", namePrefix: "1" }, options);
    expect(await list({ owner: "" })).toEqual([]);
    await dueTimes.deleteAll({ queue: "q", namePrefix: "x" }, options);
    expect(await list({})).toEqual([]);
    const data = "x".repeat(6 * 1024 * 1024);
    const large = ["a", "b", "c", "d"];
    for (const name of large) await put({ queue: "large", owner: name, name, data });
    expect((await list({}, "large")).map(({ name }) => name)).toEqual(large);
    expect(await list({ namePrefix: "c" }, "large")).toHaveLength(1);
    const { entries, nextAt } = await dueTimes.claim(["large"], claimOptions);
    expect([entries.length, nextAt]).toEqual([3, now]);
  }, 60_000);
});

describe.skipIf(!hasRedisServer)(`coordination.redis: servers${reason}`, () => {
  test("calls are unavailable while the server is gone, and what was acknowledged is there afterwards", async () => {
    const server = await started(["appendonly yes", "appendfsync always"]);
    const metadata = { redisHost: server.address, readTimeout: "400ms" };
    await survivesKill(await opened(metadata), server);
  });
  test("a server that forgets its scripts learns them again", async () => {
    const server = await started();
    const { ownership, dueTimes } = await opened({ redisHost: server.address });
    const member = memberOf();
    for (let i = 0; i < 2; i++) {
      await ownership.join(member, leaseMs, options);
      expect((await ownership.claim(actor("1"), member.id, options)).owner).toEqual(member);
      await Promise.all(
        Array.from({ length: 20 }, (_, n) =>
          dueTimes.put(entryOf({ name: `${i}-${n}` }), true, options),
        ),
      );
      const { entries } = await dueTimes.claim(["q"], claimOptions);
      expect(entries).toHaveLength(20);
      await server.cli("SCRIPT", "FLUSH");
      const ended = entries.map((entry) => ({ entry }));
      expect(await dueTimes.complete(ended, options)).toEqual(entries.map(() => true));
      await server.cli("SCRIPT", "FLUSH");
    }
  });
  test("a key of another type is an error that names it", async () => {
    const server = await started();
    const { ownership, dueTimes } = await opened({ redisHost: server.address, group: "g" });
    await server.cli("SET", "outrigger:{g}:entries:q", "1");
    await server.cli("SET", "outrigger:{g}:leases", "1");
    for (const call of [
      () => dueTimes.put(entryOf(), true, options),
      () => dueTimes.get(entryOf(), options),
      () => ownership.renew([], leaseMs, options),
    ])
      await expect(call()).rejects.toMatchObject({
        kind: "rejected",
        message: expect.stringMatching(/another type.*outrigger:\{g\}:(?:leases|entries:q)/),
      });
    expect(await dueTimes.put(entryOf({ queue: "other" }), true, options)).toBe(true);
  });
  test("a server that is full says that it is unavailable, and keeps what it has", async () => {
    const server = await started();
    const { dueTimes } = await opened({ redisHost: server.address });
    await dueTimes.put(entryOf(), true, options);
    await server.cli("CONFIG", "SET", "maxmemory", "1");
    const call = dueTimes.put(entryOf({ data: "2" }), true, options);
    await expect(call).rejects.toMatchObject({ kind: "unavailable" });
    expect(await dueTimes.get(entryOf(), options)).toEqual(entryOf());
  });
  test("open takes the settings of a state store as they are", async () => {
    const server = await started(["requirepass secret"]);
    const metadata = {
      redishost: server.address,
      redispassword: "secret",
      redisdb: "2",
      ttlinseconds: "10",
      actorstatestore: "true",
    };
    const spec = { name: "statestore", namespace: "default", metadata };
    const store = await coordination.open(spec, testHost());
    onTestFinished(() => store[Symbol.asyncDispose]());
    await store.dueTimes.put(entryOf(), true, options);
    const keys = await server.cli("--no-auth-warning", "-a", "secret", "-n", "2", "KEYS", "*");
    expect(keys).toContain("outrigger:{default}:due:q");
    expect(keys.split("\n")).toHaveLength(3);
  });
  test("a change resolves once the replicas have it, and does not wait long for one that is gone", async () => {
    const server = await started();
    const replica = await started([`replicaof 127.0.0.1 ${server.port}`]);
    await eventually(async () =>
      (await replica.cli("INFO", "replication")).includes("master_link_status:up"),
    );
    const { ownership, dueTimes } = await opened({ redisHost: server.address });
    const member = memberOf();
    await ownership.join(member, leaseMs, options);
    const onReplica = async (key: string, field: string): Promise<string> =>
      replica.cli("HEXISTS", `outrigger:{default}:${key}`, field);
    expect(await onReplica("members", member.id)).toBe("1");
    for (let i = 0; i < 5; i++) {
      await dueTimes.put(entryOf({ queue: `q${i}` }), true, options);
      expect(await replica.cli("EXISTS", `outrigger:{default}:entries:q${i}`)).toBe("1");
    }
    await replica.kill();
    for (let i = 0; i < 5; i++) await dueTimes.put(entryOf({ queue: `q${i}` }), true, options);
    const waits = /cmdstat_wait:calls=(\d+)/.exec(await server.cli("INFO", "commandstats"))?.[1];
    // Six before the replica was gone, and one that found that out.
    expect(Number(waits)).toBeLessThanOrEqual(7);
  });
  test("in a cluster all works as on one server, in one slot for each group", async () => {
    const server = await started(["cluster-enabled yes", "cluster-node-timeout 2000"]);
    await server.cli("CLUSTER", "ADDSLOTSRANGE", "0", "16383");
    await eventually(async () =>
      (await server.cli("CLUSTER", "INFO")).includes("cluster_state:ok"),
    );
    const metadata = { redisHost: server.address, redisType: "cluster" };
    const { ownership, dueTimes } = await opened(metadata);
    const member = memberOf();
    await ownership.join(member, leaseMs, options);
    const { fence } = await ownership.claim(actor("{1}"), member.id, options);
    expect(await ownership.renew([member.id], leaseMs, options)).toEqual([member]);
    await ownership.release([{ actor: actor("{1}"), fence }], options);
    expect(await ownership.ownerOf(actor("{1}"), options)).toBeUndefined();
    await ownership.leave(member.id, options);
    const queues = ["{a}", "b", "c"];
    for (const queue of queues) await dueTimes.put(entryOf({ queue }), true, options);
    const { entries } = await dueTimes.claim(queues, claimOptions);
    expect(entries).toHaveLength(3);
    const claims = entries.map(({ claim }) => claim);
    expect(await dueTimes.hold(entries, now + 9000, options)).toEqual(new Set(claims));
    const next = { dueAt: now, data: "2" };
    const ended = entries.map((entry) => ({ entry, next }));
    expect(await dueTimes.complete(ended, options)).toEqual([true, true, true]);
    expect(await dueTimes.list({ queue: "b" }, { ...options, limit: 9 })).toHaveLength(1);
    await dueTimes.deleteAll({ queue: "b" }, options);
    await dueTimes.deleteAll({ queue: "c", namePrefix: "a" }, options);
    expect((await dueTimes.claim(queues, claimOptions)).entries).toHaveLength(1);
  });
  test("claim, list and put cost the same, however many entries wait", async () => {
    const server = await started();
    const { dueTimes } = await opened({ redisHost: server.address });
    const fill = (first: number, count: number): Promise<string> =>
      server.cli("EVAL", filler, "0", String(first), String(count), String(now));
    const costs = async (): Promise<readonly string[]> => {
      await server.cli("CONFIG", "RESETSTAT");
      const { entries } = await dueTimes.claim(["q"], claimOptions);
      expect(entries).toHaveLength(100);
      const next = { dueAt: now, data: "{}" };
      await dueTimes.complete(
        entries.map((entry) => ({ entry, next })),
        options,
      );
      await dueTimes.put(entryOf(), true, options);
      await dueTimes.list({ queue: "q", namePrefix: "n" }, { ...options, limit: 50 });
      await dueTimes.deleteAll({ queue: "q", owner: "", namePrefix: "a" }, options);
      const stats = await server.cli("INFO", "commandstats");
      const counts = [...stats.matchAll(/cmdstat_([a-z|]+):calls=(\d+)/g)];
      return counts.map(([, name, calls]) => `${name} ${calls}`).sort();
    };
    await fill(0, 1000);
    await costs();
    const few = await costs();
    for (let first = 1000; first < 200_000; first += 19_900) await fill(first, 19_900);
    expect(await costs()).toEqual(few);
    // Each of them costs O(log n) for every entry that it returns or changes.
    const names = few.map((line) => line.split(" ")[0]);
    const keyed = ["hdel", "hget", "hset", "zadd", "zrange", "zrangebylex", "zrem"];
    expect(names).toEqual(["config|resetstat", "evalsha", ...keyed]);
    await dueTimes.deleteAll({ queue: "q" }, options);
    expect(await server.cli("DBSIZE")).toBe("0");
  }, 60_000);
});

/** Entries as `put` leaves them. ARGV: number of the first, how many, when they are due. */
const filler = `
for i = ARGV[1], ARGV[1] + ARGV[2] - 1 do
  local key = string.format("\\0n%07d", i)
  redis.call("HSET", "outrigger:{default}:entries:q", key, ARGV[3] .. " {}")
  redis.call("ZADD", "outrigger:{default}:due:q", ARGV[3] - i % 1000, key)
  redis.call("ZADD", "outrigger:{default}:names:q", 0, key)
end
return 1`;
