import { randomUUID } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { appServer, type AppServer } from "#test/support/app-server.ts";
import { eventually } from "#test/support/eventually.ts";
import { redisCli } from "#test/support/redis-server.ts";
import { describeWith } from "#test/support/services.ts";
import { sidecar, type SidecarProcess } from "#test/support/sidecar.ts";

await describeWith("redis", "an outbox over Redis", ({ host, port, address }) => {
  const appId = `outbox-${randomUUID()}`;
  const topic = `topic-${randomUUID()}`;
  const resources = `
apiVersion: dapr.io/v1alpha1
kind: Component
metadata: { name: store }
spec:
  type: state.redis
  version: v1
  metadata:
    - { name: redisHost, value: "${address}" }
    - { name: outboxPublishPubsub, value: bus }
    - { name: outboxPublishTopic, value: ${topic} }
---
apiVersion: dapr.io/v1alpha1
kind: Component
metadata: { name: bus }
spec:
  type: pubsub.redis
  version: v1
  metadata:
    - { name: redisHost, value: "${address}" }
    - { name: processingTimeout, value: 300ms }
    - { name: redeliverInterval, value: 100ms }
---
apiVersion: dapr.io/v2alpha1
kind: Subscription
metadata: { name: s }
spec: { pubsubname: bus, topic: ${topic}, routes: { default: /on-order } }
`;
  let app: AppServer;
  let folder: string;
  beforeAll(async () => {
    app = await appServer();
    folder = await mkdtemp(join(tmpdir(), "outbox-"));
    await writeFile(join(folder, "all.yaml"), resources);
  });
  afterAll(async () => {
    await app?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
    const keys = [topic, `${appId}${topic}outbox`, `${appId}||a`, `${appId}||b`];
    await redisCli({ host, port }, "DEL", ...keys);
  });
  async function start(): Promise<SidecarProcess> {
    const args = ["--app-id", appId, "--app-port", String(app.port), "--resources-path", folder];
    const started = await sidecar({ args });
    await started.healthy();
    return started;
  }
  async function transact({ httpPort }: SidecarProcess, key: string): Promise<number> {
    const operations = [{ operation: "upsert", request: { key, value: key } }];
    const response = await fetch(`http://127.0.0.1:${httpPort}/v1.0/state/store/transaction`, {
      method: "POST",
      body: JSON.stringify({ operations }),
    });
    return response.status;
  }
  const got = async (data: string): Promise<boolean> =>
    (await app.saw("/on-order")).some(({ body }) => body.includes(`"data":"${data}"`));

  it("loses nothing when the process dies between commit and publish", async () => {
    const first = await start();
    expect(await transact(first, "a")).toBe(204);
    first.child.kill("SIGKILL");
    await first.exited;
    const second = await start();
    await eventually(() => got("a"), { withinMs: 20_000, what: "the event of before the crash" });
    expect(await transact(second, "b")).toBe(204);
    // Asked to end before its time to look has come, it looks once more.
    expect(await second.stop()).toBe(0);
    const third = await start();
    await eventually(() => got("b"), { withinMs: 20_000, what: "the event of before the end" });
    expect(await third.stop()).toBe(0);
    const pending = await redisCli({ host, port }, "XPENDING", `${appId}${topic}outbox`, appId);
    expect(pending).toMatch(/^0/);
  }, 90_000);
});
