import { randomUUID } from "node:crypto";
import {
  CommunicationProtocolEnum,
  DaprClient,
  DaprServer,
  HttpMethod,
  LogLevel,
  StateConcurrencyEnum,
  StateConsistencyEnum,
} from "@dapr/dapr";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { e2eResources, type E2eResources } from "#test/support/e2e-resources.ts";
import { freePort } from "#test/support/free-port.ts";
import { sidecar, type SidecarProcess } from "#test/support/sidecar.ts";

const logger = { level: LogLevel.Error };

/** The official JavaScript SDK, client and server, against the built sidecar. */
describe.each(["http", "grpc"] as const)("@dapr/dapr over %s", (protocol) => {
  const communicationProtocol =
    protocol === "http" ? CommunicationProtocolEnum.HTTP : CommunicationProtocolEnum.GRPC;
  const store = "statestore";
  let resources: E2eResources;
  let runtime: SidecarProcess;
  let server: DaprServer;
  let client: DaprClient;
  const events: unknown[] = [];
  const bulk: unknown[] = [];
  let ticks = 0;

  beforeAll(async () => {
    resources = await e2eResources();
    const appPort = String(await freePort());
    runtime = await sidecar({
      args: [
        "--app-id",
        "sdk",
        "--app-port",
        appPort,
        "--app-protocol",
        protocol,
        "--resources-path",
        resources.folder,
        "--log-level",
        "warn",
      ],
    });
    const daprPort = String(protocol === "http" ? runtime.httpPort : runtime.grpcPort);
    const clientOptions = { daprHost: "127.0.0.1", daprPort, communicationProtocol, logger };
    server = new DaprServer({
      serverHost: "127.0.0.1",
      serverPort: appPort,
      communicationProtocol,
      clientOptions,
      logger,
    });
    await server.pubsub.subscribe("pubsub", "events", async (data: unknown) => {
      events.push(data);
    });
    await server.pubsub.subscribeBulk("pubsub", "bulk", async (data: unknown) => {
      bulk.push(data);
    });
    await server.binding.receive("tick", async () => {
      ticks++;
    });
    await server.invoker.listen(
      "double",
      async ({ body }) => ({ doubled: (JSON.parse(body ?? "{}") as { n: number }).n * 2 }),
      { method: HttpMethod.POST },
    );
    await server.start();
    client = new DaprClient(clientOptions);
    await runtime.healthy();
  });
  afterAll(async () => {
    await client?.stop();
    await server?.stop();
    await runtime?.stop();
  });

  it("saves, reads and deletes state", async () => {
    const key = randomUUID();
    await client.state.save(store, [
      { key, value: { orderId: 1 } },
      { key: `${key}-2`, value: "text" },
    ]);
    expect(await client.state.get(store, key)).toEqual({ orderId: 1 });
    const many = await client.state.getBulk(store, [key, `${key}-2`, "absent"]);
    expect(many.map((each) => each["key"] as string).sort()).toEqual(
      [key, `${key}-2`, "absent"].sort(),
    );
    await client.state.delete(store, key);
    expect(await client.state.get(store, key)).toBe("");
  });
  it("refuses a write with an old etag", async () => {
    const key = randomUUID();
    await client.state.save(store, [{ key, value: 1 }]);
    const options = {
      concurrency: StateConcurrencyEnum.CONCURRENCY_FIRST_WRITE,
      consistency: StateConsistencyEnum.CONSISTENCY_STRONG,
    };
    const write = client.state.save(store, [{ key, value: 2, etag: "4711", options }]);
    // Over HTTP the SDK answers the error instead of throwing it.
    const error: unknown = await write.then(
      (answer) => answer.error,
      (reason: unknown) => reason,
    );
    expect(String(error)).toMatch(/etag/i);
    expect(await client.state.get(store, key)).toBe(1);
  });
  it("runs a transaction on SQLite", async () => {
    const key = randomUUID();
    await client.state.transaction("sqlite", [
      { operation: "upsert", request: { key: `${key}-a`, value: "a" } },
      { operation: "upsert", request: { key: `${key}-b`, value: "b" } },
      { operation: "delete", request: { key: `${key}-a` } },
    ]);
    expect(await client.state.get("sqlite", `${key}-a`)).toBe("");
    expect(await client.state.get("sqlite", `${key}-b`)).toBe("b");
  });
  it("publishes, and is delivered to", async () => {
    const id = randomUUID();
    await client.pubsub.publish("pubsub", "events", { id });
    await expect.poll(() => events, { timeout: 5000 }).toContainEqual({ id });
  });
  it("publishes and subscribes in bulk", async () => {
    const id = randomUUID();
    const { failedMessages } = await client.pubsub.publishBulk("pubsub", "bulk", [
      { id, n: 1 },
      { id, n: 2 },
    ]);
    expect(failedMessages).toEqual([]);
    for (const n of [1, 2])
      await expect
        .poll(() => JSON.stringify(bulk), { timeout: 5000 })
        .toContain(`{"id":"${id}","n":${n}}`);
  });
  it("invokes a method of its own app", async () => {
    expect(await client.invoker.invoke("sdk", "double", HttpMethod.POST, { n: 21 })).toEqual({
      doubled: 42,
    });
  });
  it("fails an invocation of an app that is not there", async () => {
    await expect(client.invoker.invoke("ghost", "m", HttpMethod.GET)).rejects.toThrow(/ghost/);
  });
  it("writes and reads through an output binding", async () => {
    const fileName = `${randomUUID()}.txt`;
    await client.binding.send("files", "create", "hello", { fileName });
    const read: unknown = await client.binding.send("files", "get", "", { fileName });
    // Over gRPC the SDK gives the bytes, beside the metadata.
    const text =
      protocol === "http" ? String(read) : Buffer.from((read as { data: Uint8Array }).data);
    expect(text.toString()).toContain("hello");
  });
  it("is called by an input binding", async () => {
    await expect.poll(() => ticks, { timeout: 5000 }).toBeGreaterThan(0);
  });
  it("reads secrets", async () => {
    expect(await client.secret.get("secrets", "apiKey")).toEqual({ apiKey: "s3cret" });
    expect(JSON.stringify(await client.secret.getBulk("secrets"))).toContain("s3cret");
    await expect(client.secret.get("nowhere", "x")).rejects.toThrow();
  });
  it("reads and sets metadata", async () => {
    await client.metadata.set("greeting", "hello");
    const metadata = await client.metadata.get();
    expect(metadata.id).toBe("sdk");
    expect(JSON.stringify(metadata)).toContain("statestore");
  });
  it("takes and gives back a lock", async ({ skip }) => {
    if (!resources.redis) return skip("no Redis here");
    const resource = randomUUID();
    expect(await client.lock.lock("locks", resource, "me", 30)).toEqual({ success: true });
    expect(await client.lock.lock("locks", resource, "you", 30)).toEqual({ success: false });
    expect((await client.lock.unlock("locks", resource, "you")).status).toBe(2);
    expect((await client.lock.unlock("locks", resource, "me")).status).toBe(0);
    expect((await client.lock.unlock("locks", resource, "me")).status).toBe(1);
  });

  // The SDK has these over gRPC only.
  describe.runIf(protocol === "grpc")("over gRPC only", () => {
    it("reads configuration and hears of changes", async ({ skip }) => {
      if (!resources.redis) return skip("no Redis here");
      const key = `outrigger-e2e-${randomUUID()}`;
      resources.setConfiguration(key, "one||1");
      const { items } = await client.configuration.get("settings", [key]);
      expect(items[key]).toMatchObject({ value: "one", version: "1" });
      const seen: unknown[] = [];
      const stream = await client.configuration.subscribeWithKeys(
        "settings",
        [key],
        async (data) => {
          seen.push(data);
        },
      );
      // The SDK answers before the sidecar has subscribed.
      await expect
        .poll(
          () => {
            resources.setConfiguration(key, "two||2");
            return JSON.stringify(seen);
          },
          { timeout: 5000 },
        )
        .toContain("two");
      stream.stop();
    });
    it.each([
      ["rsa.pem", "RSA"],
      ["symmetric", "AES"],
    ] as const)("encrypts and decrypts with %s", async (keyName, keyWrapAlgorithm) => {
      const text = Buffer.alloc(200_000, "a secret ");
      const cipher = await client.crypto.encrypt(text, {
        componentName: "vault",
        keyName,
        keyWrapAlgorithm,
      });
      expect(cipher.includes("a secret")).toBe(false);
      const plain = await client.crypto.decrypt(cipher, { componentName: "vault" });
      expect(Buffer.from(plain).equals(text)).toBe(true);
    });
  });
});
