import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { pubsub, state } from "#components/redis/manifest.ts";
import type { Ack, Message, PubSub } from "#core/ports/pub-sub.ts";
import type { StateOp, StateStore } from "#core/ports/state-store.ts";
import { eventually } from "#test/support/eventually.ts";
import { freePort } from "#test/support/free-port.ts";
import { openComponent, testHost } from "#test/support/host.ts";
import { temporaryFile } from "#test/support/temporary-file.ts";
import {
  hasRedisServer,
  redisServer,
  type RedisServerProcess,
} from "#test/support/redis-server.ts";

const options = { signal: new AbortController().signal };
const put = (key: string, value: string, more: object = {}): StateOp => ({
  op: "put",
  key,
  value,
  metadata: {},
  ...more,
});
const valueAt = async (store: StateStore, key: string) => {
  const [item] = await store.read([{ key, metadata: {} }], options);
  return item && String(item.value);
};

async function started(config?: readonly string[], sentinel = false): Promise<RedisServerProcess> {
  const server = await redisServer(config, { sentinel });
  onTestFinished(() => server.stop());
  return server;
}
async function openState(metadata: Readonly<Record<string, string>>): Promise<StateStore> {
  const store = await openComponent(state, metadata);
  onTestFinished(() => store[Symbol.asyncDispose]());
  return store;
}
async function openPubSub(
  metadata: Readonly<Record<string, string>>,
  host = testHost(),
): Promise<PubSub> {
  const broker = await openComponent(pubsub, metadata, host);
  onTestFinished(() => broker[Symbol.asyncDispose]());
  return broker;
}
async function listen(
  broker: PubSub,
  topic: string,
  ack: (message: Message, signal: AbortSignal) => Ack | Promise<Ack> = () => "done",
) {
  const texts: string[] = [];
  const controller = new AbortController();
  onTestFinished(() => controller.abort());
  const subscription = { topic, consumerId: "app", metadata: {} };
  await broker.subscribe?.(
    subscription,
    (messages, { signal }) => {
      texts.push(...messages.map(({ data }) => String(data)));
      return Promise.all(messages.map((message) => ack(message, signal)));
    },
    controller,
  );
  return { texts, stop: () => controller.abort() };
}
const publish = (broker: PubSub, topic: string, ...texts: string[]) =>
  broker.publish(
    topic,
    texts.map((data) => ({ data, metadata: {} })),
    options,
  );

const reason = hasRedisServer ? "" : " (skipped: redis-server is not installed)";

describe.skipIf(!hasRedisServer)(`state.redis: what is stored${reason}`, () => {
  test("write leaves the hashes that Dapr leaves", async () => {
    const server = await started();
    const store = await openState({ redisHost: server.address });
    await store.write(put("a", '{"x":1}'), options);
    await store.write(put("a", '{"x":2}'), options);
    await store.write(
      put("b", "1", { concurrency: "first-write", metadata: { ttlInSeconds: "100" } }),
      options,
    );
    expect((await server.cli("HGETALL", "a")).split("\n")).toEqual([
      "data",
      '{"x":2}',
      "version",
      "2",
    ]);
    expect((await server.cli("HGETALL", "b")).split("\n").sort()).toEqual([
      "0",
      "1",
      "1",
      "data",
      "first-write",
      "version",
    ]);
    expect(Number(await server.cli("TTL", "b"))).toBeGreaterThan(95);
    await store.write(put("b", "2", { etag: "1", metadata: { ttlInSeconds: "-1" } }), options);
    expect(await server.cli("TTL", "b")).toBe("-1");
  });
  test("read takes plain strings, and refuses what it cannot understand", async () => {
    const server = await started();
    const store = await openState({ redisHost: server.address });
    await server.cli("SET", "plain", "text");
    await server.cli("HSET", "foreign", "field", "1");
    await server.cli("LPUSH", "list", "1");
    expect(await store.read([{ key: "plain", metadata: {} }], options)).toEqual([
      { value: Buffer.from("text") },
    ]);
    await expect(valueAt(store, "foreign")).rejects.toMatchObject({
      kind: "rejected",
      message: "required hash field 'data' or 'version' was not found",
    });
    await expect(valueAt(store, "list")).rejects.toMatchObject({ kind: "rejected" });
    await store.write(put("plain", "1"), options);
    await store.transact?.([put("list", "1"), put("list", "2")], options);
    expect([await valueAt(store, "plain"), await valueAt(store, "list")]).toEqual(["1", "2"]);
  });
  test("transact applies nothing when a key's version is not a number", async () => {
    const server = await started();
    const store = await openState({ redisHost: server.address });
    await server.cli("HSET", "odd", "data", "1", "version", "one");
    const ops = [put("a", "1"), put("odd", "1"), put("b", "1")];
    await expect(store.transact?.(ops, options)).rejects.toMatchObject({ kind: "rejected" });
    expect(await server.cli("KEYS", "*")).toBe("odd");
  });
  test("write with ttlInSeconds of the component lets every value expire", async () => {
    const server = await started();
    const store = await openState({ redisHost: server.address, ttlInSeconds: "50" });
    await store.write(put("a", "1"), options);
    await store.write(put("b", "1", { metadata: { ttlInSeconds: "0" } }), options);
    expect(Number(await server.cli("TTL", "a"))).toBeGreaterThan(45);
    expect(await server.cli("TTL", "b")).toBe("-1");
  });
  test("write says what Dapr says", async () => {
    const server = await started();
    const store = await openState({ redisHost: server.address });
    await expect(store.write(put("k", "1", { etag: "x" }), options)).rejects.toMatchObject({
      kind: "etag-invalid",
      message: 'strconv.Atoi: parsing "x": invalid syntax',
    });
    await expect(
      store.write(put("k", "1", { metadata: { ttlInSeconds: "x" } }), options),
    ).rejects.toThrow(
      'failed to parse ttl from metadata: strconv.ParseInt: parsing "x": invalid syntax',
    );
  });
  test("write with strong consistency waits for the replicas", async () => {
    const server = await started();
    const replica = await started([`replicaof 127.0.0.1 ${server.port}`]);
    await eventually(async () =>
      (await replica.cli("INFO", "replication")).includes("master_link_status:up"),
    );
    const store = await openState({ redisHost: server.address });
    for (const version of ["1", "2", "3"]) {
      await store.write(put("k", version, { consistency: "strong" }), options);
      expect(await replica.cli("HGET", "k", "data")).toBe(version);
    }
  });
});

describe.skipIf(!hasRedisServer)(`state.redis: connection${reason}`, () => {
  test("open uses the ACL user, the password and the database", async () => {
    const server = await started(["user alice on >secret ~* +@all", "user default off"]);
    const login = {
      redisHost: "127.0.0.1",
      redisPort: String(server.port),
      redisUsername: "alice",
    };
    const store = await openState({ ...login, redisPassword: "secret", redisDB: "3" });
    await store.write(put("k", "1"), options);
    expect(
      await server.cli(
        "--user",
        "alice",
        "--pass",
        "secret",
        "--no-auth-warning",
        "-n",
        "3",
        "EXISTS",
        "k",
      ),
    ).toBe("1");
    await expect(openComponent(state, { ...login, redisPassword: "wrong" })).rejects.toThrow(
      /WRONGPASS/,
    );
  });
  test("open fails soon, and says why, where nobody listens or nobody answers", async () => {
    const address = `127.0.0.1:${await freePort()}`;
    const begun = Date.now();
    await expect(openComponent(state, { redisHost: address })).rejects.toThrow(
      `redis: error connecting to redis at ${address}: connect ECONNREFUSED ${address}`,
    );
    expect(Date.now() - begun).toBeLessThan(2000);
    const server = await started();
    server.pause();
    await expect(openComponent(state, { redisHost: server.address })).rejects.toThrow(
      /no connection within 5 s/,
    );
    expect(Date.now() - begun).toBeLessThan(8000);
  });
  test("open checks the server's certificate, unless told not to", async () => {
    const directory = dirname(temporaryFile("tls"));
    const [key, cert] = [join(directory, "key.pem"), join(directory, "cert.pem")];
    const make = [
      "req",
      "-x509",
      "-newkey",
      "ec",
      "-pkeyopt",
      "ec_paramgen_curve:P-256",
      "-nodes",
      "-days",
      "1",
      "-subj",
      "/CN=redis",
    ];
    execFileSync("openssl", [...make, "-keyout", key, "-out", cert], { stdio: "ignore" });
    const port = await freePort();
    await started([
      `tls-port ${port}`,
      `tls-cert-file ${cert}`,
      `tls-key-file ${key}`,
      `tls-ca-cert-file ${cert}`,
    ]);
    const tls = { redisHost: `127.0.0.1:${port}`, enableTLS: "true" };
    const client = { clientCert: readFileSync(cert, "utf8"), clientKey: readFileSync(key, "utf8") };
    const store = await openState({ ...tls, ...client, insecureSkipTLSVerify: "true" });
    await store.write(put("k", "1"), options);
    await expect(openComponent(state, { ...tls, ...client })).rejects.toThrow(
      /self-signed certificate/,
    );
    // This server wants a certificate from its clients, too.
    await expect(openComponent(state, { ...tls, insecureSkipTLSVerify: "true" })).rejects.toThrow(
      /error connecting to redis/,
    );
  });
  test.each([
    [{}, "redisHost is missing"],
    [{ redisHost: "a:1,b:2" }, "redisHost names several hosts"],
    [{ redisHost: "a:1", redisPort: "2" }, "already contains port 1, but redisPort is set to 2"],
    [{ redisHost: "a", redisType: "ring" }, "redisType must be node or cluster"],
    [{ redisHost: "a", failover: "true" }, "failover needs sentinelMasterName"],
    [{ redisHost: "a", redisType: "cluster", failover: "true" }, "is not supported"],
    [{ redisHost: "a", useEntraID: "true" }, "useEntraID is not supported"],
    [
      { redisHost: "a", enableTLS: "true", clientCert: "x" },
      "clientCert and clientKey go together",
    ],
    [{ redisHost: "a", readTimeout: "soon" }, "readTimeout must be a duration"],
  ])("open refuses %j", async (metadata, reason) => {
    await expect(openComponent(state, metadata)).rejects.toThrow(reason);
  });
  test("write is unavailable while the server is gone, and goes through once it is back", async () => {
    const server = await started();
    const host = testHost();
    const store = await openComponent(
      state,
      { redisHost: server.address, readTimeout: "400ms" },
      host,
    );
    onTestFinished(() => store[Symbol.asyncDispose]());
    await store.write(put("k", "1"), options);
    await server.kill();
    const begun = Date.now();
    for (const work of [
      store.write(put("k", "2"), options),
      valueAt(store, "k"),
      store.ping?.(options),
    ])
      await expect(work).rejects.toMatchObject({ kind: "unavailable" });
    expect(Date.now() - begun).toBeLessThan(2000);
    await server.start();
    // The server knows no script any more.
    await eventually(() => store.write(put("k", "3"), options).then(() => true));
    expect(await valueAt(store, "k")).toBe("3");
    const lines = host.lines.map(({ level, message }) => `${level} ${message.split(" at ")[0]}`);
    expect(lines).toEqual(["warn Lost the connection to Redis", "info Connected to Redis"]);
  });
  test("write is unavailable while the server stands still, and goes through once it goes on", async () => {
    const server = await started();
    const store = await openState({ redisHost: server.address, readTimeout: "400ms" });
    await store.write(put("k", "1"), options);
    server.pause();
    const begun = Date.now();
    const works = [
      store.write(put("k", "2"), options),
      valueAt(store, "k"),
      store.keysLike?.("%", options),
    ];
    for (const work of works) await expect(work).rejects.toMatchObject({ kind: "unavailable" });
    expect(Date.now() - begun).toBeLessThan(2000);
    server.resume();
    await eventually(() => store.write(put("k", "3"), options).then(() => true));
    expect(await valueAt(store, "k")).toBe("3");
  });
  test("read ends with its signal, however the server is", async () => {
    const server = await started();
    const store = await openState({ redisHost: server.address });
    server.pause();
    const controller = new AbortController();
    const reading = store.read([{ key: "k", metadata: {} }], controller);
    controller.abort(new Error("enough"));
    await expect(reading).rejects.toThrow("enough");
  });
  test("a sentinel's server is found, and found again after a failover", async () => {
    const [master, replica] = [await started(), await started()];
    await replica.cli("REPLICAOF", "127.0.0.1", String(master.port));
    const watch = `sentinel monitor main 127.0.0.1 ${master.port} 1`;
    const sentinel = await started(
      [watch, "sentinel down-after-milliseconds main 300", "sentinel failover-timeout main 1000"],
      true,
    );
    await eventually(async () =>
      (await replica.cli("INFO", "replication")).includes("master_link_status:up"),
    );
    const store = await openState({
      redisHost: sentinel.address,
      failover: "true",
      sentinelMasterName: "main",
    });
    await store.write(put("k", "1"), options);
    await eventually(async () => (await replica.cli("HGET", "k", "data")) === "1");
    await eventually(
      async () =>
        (await sentinel.cli("SENTINEL", "replicas", "main")).includes(String(replica.port)),
      { withinMs: 15_000 },
    );
    await master.kill();
    await eventually(() => store.write(put("k", "2"), options).then(() => true), {
      withinMs: 15_000,
    });
    expect(await replica.cli("HGET", "k", "data")).toBe("2");
    expect(await valueAt(store, "k")).toBe("2");
  }, 40_000);
  test("a cluster is written to and read from; a transaction needs keys of one slot", async () => {
    const server = await started(["cluster-enabled yes", "cluster-node-timeout 2000"]);
    await server.cli("CLUSTER", "ADDSLOTSRANGE", "0", "16383");
    await eventually(async () =>
      (await server.cli("CLUSTER", "INFO")).includes("cluster_state:ok"),
    );
    const store = await openState({ redisHost: server.address, redisType: "cluster" });
    await Promise.all(["a", "b", "c"].map((key) => store.write(put(key, `"${key}"`), options)));
    expect(await Promise.all(["a", "b", "c"].map((key) => valueAt(store, key)))).toEqual([
      '"a"',
      '"b"',
      '"c"',
    ]);
    expect(await store.keysLike?.("%", options)).toEqual(["a", "b", "c"]);
    await store.transact?.([put("{x}1", "1"), put("{x}2", "1")], options);
    await expect(store.transact?.([put("a", "1"), put("b", "1")], options)).rejects.toThrow(
      /CROSSSLOT|same slot/,
    );
    const broker = await openPubSub({ redisHost: server.address, redisType: "cluster" });
    const { texts, stop } = await listen(broker, "topic");
    await publish(broker, "topic", "1");
    await eventually(() => texts.length === 1);
    stop();
  });
});

describe.skipIf(!hasRedisServer)(`pubsub.redis${reason}`, () => {
  test("publish leaves the entries that Dapr leaves", async () => {
    const server = await started();
    const broker = await openPubSub({ redisHost: server.address, maxLenApprox: "1000" });
    await broker.publish(
      "t",
      [
        { data: "plain", metadata: {} },
        { data: "with", metadata: { a: "1" } },
      ],
      options,
    );
    const lines = (await server.cli("XRANGE", "t", "-", "+"))
      .split("\n")
      .filter((line) => !/^\d+-\d+$/.test(line));
    expect(lines).toEqual(["data", "plain", "data", "with", "metadata", '{"a":"1"}']);
    await listen(broker, "t");
    expect((await server.cli("XINFO", "GROUPS", "t")).split("\n").slice(0, 2)).toEqual([
      "name",
      "app",
    ]);
  });
  test("publish trims by streamTTL", async () => {
    const server = await started(["stream-node-max-entries 1"]);
    await server.cli("XADD", "t", "1000-1", "data", "old");
    const broker = await openPubSub({ redisHost: server.address, streamTTL: "1h" });
    await publish(broker, "t", "new");
    expect(await server.cli("XLEN", "t")).toBe("1");
  });
  test("publish answers for each message while the server is gone", async () => {
    const server = await started();
    const broker = await openPubSub({ redisHost: server.address, readTimeout: "300ms" });
    await server.kill();
    const results = await publish(broker, "t", "1", "2");
    expect(results).toEqual([
      expect.objectContaining({ kind: "unavailable" }),
      expect.objectContaining({ kind: "unavailable" }),
    ]);
  });
  test("subscribe goes on after the server lost all it had", async () => {
    const server = await started();
    const host = testHost();
    const broker = await openPubSub({ redisHost: server.address, readTimeout: "1s" }, host);
    const { texts } = await listen(broker, "t");
    await publish(broker, "t", "1");
    await eventually(() => texts.length === 1);
    await server.kill();
    await server.start();
    await eventually(async () => (await publish(broker, "t", "2"))[0] === undefined);
    await eventually(() => texts.includes("2"), { withinMs: 10_000 });
    expect(
      host.lines.some(({ message }) =>
        message.startsWith("Consumer group app of stream t is gone"),
      ),
    ).toBe(true);
  });
  test("subscribe takes what another wrote, whatever it is", async () => {
    const server = await started();
    const broker = await openPubSub({ redisHost: server.address, concurrency: "1" });
    const metadata: unknown[] = [];
    const { texts } = await listen(broker, "t", (message) => {
      metadata.push(message.metadata);
      return "done";
    });
    await server.cli("XADD", "t", "*", "data", "1", "metadata", "{no json");
    await server.cli("XADD", "t", "*", "data", "2", "metadata", '{"n":1}');
    await server.cli("XADD", "t", "*", "other", "field");
    await server.cli("XADD", "t", "*", "metadata", '{"a":"b"}', "data", "4");
    await eventually(() => texts.length === 4);
    expect(texts).toEqual(["1", "2", "", "4"]);
    expect(metadata).toEqual([{}, {}, {}, { a: "b" }]);
    await eventually(async () => (await server.cli("XPENDING", "t", "app")).startsWith("0"));
  });
  test("deliver that takes longer than processingTimeout lets others go on, its message comes again, and its answer still counts", async () => {
    const server = await started();
    const timing = { processingTimeout: "200", redeliverInterval: "50", concurrency: "1" };
    const broker = await openPubSub({ redisHost: server.address, ...timing });
    const answers: Array<(ack: Ack) => void> = [];
    const { texts } = await listen(broker, "t", ({ data }) =>
      String(data) === "slow" ? new Promise((resolve) => answers.push(resolve)) : "done",
    );
    await publish(broker, "t", "slow", "next");
    await eventually(() => texts.includes("next"), { what: "the next message" });
    await eventually(() => answers.length === 2, { what: "the slow message again" });
    await eventually(async () => (await server.cli("XPENDING", "t", "app")).startsWith("1"));
    answers[0]?.("done");
    await eventually(async () => (await server.cli("XPENDING", "t", "app")).startsWith("0"));
    for (const answer of answers) answer("done");
  });
  test("what is answered long after the subscription has ended is acknowledged, until the component closes", async () => {
    const server = await started();
    const host = testHost();
    // Once the connection is there, every wait is over soon.
    let longestMs = Number.POSITIVE_INFINITY;
    const sleep: typeof host.clock.sleep = (ms, call) =>
      host.clock.sleep(Math.min(ms, longestMs), call);
    const hurried = testHost({ clock: { ...host.clock, sleep } });
    const broker = await openComponent(pubsub, { redisHost: server.address }, hurried);
    longestMs = 20;
    let answer = (_: Ack): void => {};
    const { texts, stop } = await listen(
      broker,
      "t",
      () => new Promise((resolve) => (answer = resolve)),
    );
    await publish(broker, "t", "1");
    await eventually(() => texts.length === 1);
    stop();
    // Nothing shows that it still waits, but that it would have given up by now.
    await host.clock.sleep(300, options);
    answer("done");
    await eventually(async () => (await server.cli("XPENDING", "t", "app")).startsWith("0"));
    await broker[Symbol.asyncDispose]();
  });
  test("subscribe hands back what it fetched and did not begin", async () => {
    const server = await started();
    const broker = await openPubSub({
      redisHost: server.address,
      concurrency: "1",
      processingTimeout: "60s",
    });
    let finish = (): void => {};
    const first = await listen(
      broker,
      "t",
      () => new Promise((resolve) => (finish = () => resolve("done"))),
    );
    await publish(broker, "t", "1", "2", "3");
    await eventually(async () => (await server.cli("XPENDING", "t", "app")).startsWith("3"));
    first.stop();
    finish();
    await eventually(async () => (await server.cli("XPENDING", "t", "app")).startsWith("2"));
    await eventually(
      async () =>
        (await server.cli("XPENDING", "t", "app", "IDLE", "60000", "-", "+", "10")) !== "",
    );
    const second = await listen(broker, "t");
    await eventually(() => second.texts.length === 2, { withinMs: 2000 });
    expect(second.texts).toEqual(["2", "3"]);
  });
  test("close ends at once though reads are waiting", async () => {
    const server = await started();
    const broker = await openComponent(pubsub, { redisHost: server.address });
    for (const topic of ["a", "b", "c"]) await listen(broker, topic);
    const begun = Date.now();
    await broker[Symbol.asyncDispose]();
    expect(Date.now() - begun).toBeLessThan(1000);
    await eventually(async () => (await server.cli("CLIENT", "LIST")).split("\n").length === 1);
  });
});
