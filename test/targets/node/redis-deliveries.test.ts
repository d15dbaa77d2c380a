import { randomUUID } from "node:crypto";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, it } from "vitest";
import { eventually } from "#test/support/eventually.ts";
import { type InProcess, nodeRuntime } from "#test/support/node-runtime.ts";
import { redisCli } from "#test/support/redis-server.ts";
import { describeWith } from "#test/support/services.ts";

await describeWith("redis", "an app that does not answer messages of Redis", (redis) => {
  const appId = `hanging-${randomUUID()}`;
  const topics = { single: randomUUID(), bulk: randomUUID() };
  const document = (kind: string, name: string, spec: object): string =>
    JSON.stringify({
      apiVersion: kind === "Subscription" ? "dapr.io/v2alpha1" : "dapr.io/v1alpha1",
      kind,
      metadata: { name },
      spec,
    });
  const documents = [
    document("Component", "bus", {
      type: "pubsub.redis",
      version: "v1",
      metadata: Object.entries({
        redisHost: redis.address,
        processingTimeout: "300ms",
        redeliverInterval: "100ms",
        concurrency: "1",
      }).map(([name, value]) => ({ name, value })),
    }),
    document("Subscription", "single", {
      pubsubname: "bus",
      topic: topics.single,
      routes: { default: "/single" },
    }),
    document("Subscription", "bulk", {
      pubsubname: "bus",
      topic: topics.bulk,
      routes: { default: "/bulk" },
      bulkSubscribe: { enabled: true, maxMessagesCount: 10, maxAwaitDurationMs: 10 },
    }),
  ];
  /** `path data`, as they came. */
  const seen: string[] = [];
  const hanging: Array<() => void> = [];
  let app: Server;
  let runtime: InProcess;
  beforeAll(async () => {
    app = createServer((request, response) => {
      let body = "";
      request.setEncoding("utf8").on("data", (chunk: string) => (body += chunk));
      request.on("end", () => {
        if (request.method !== "POST") return void response.writeHead(404).end();
        const datas = [...body.matchAll(/"data":"([^"]*)"/g)].map(([, data]) => data);
        const ids = [...body.matchAll(/"entryId":"([^"]*)"/g)].map(([, id]) => id);
        const hangs = datas.some(
          (data) => data === "hang" && !seen.includes(`${request.url} hang`),
        );
        for (const data of datas) seen.push(`${request.url} ${data}`);
        const statuses = ids.map((entryId) => ({ entryId, status: "SUCCESS" }));
        const answer = (): void =>
          void response.end(JSON.stringify(ids.length > 0 ? { statuses } : {}));
        if (hangs) hanging.push(answer);
        else answer();
      });
    });
    await new Promise<void>((resolve) => app.listen(0, "127.0.0.1", resolve));
    runtime = await nodeRuntime({
      appId,
      appPort: (app.address() as AddressInfo).port,
      inlineResources: [{ name: "all.yaml", text: documents.join("\n---\n") }],
    });
  });
  afterAll(async () => {
    for (const answer of hanging) answer();
    await runtime?.stop();
    app?.closeAllConnections();
    app?.close();
    await redisCli(redis, "DEL", ...Object.values(topics));
  });
  const publish = async (topic: string, data: string): Promise<void> => {
    const url = `http://127.0.0.1:${runtime.httpPort}/v1.0/publish/bus/${topic}`;
    const headers = { "content-type": "text/plain" };
    expect((await fetch(url, { method: "POST", headers, body: data })).status).toBe(204);
  };
  const pending = async (topic: string): Promise<string> =>
    (await redisCli(redis, "XPENDING", topic, appId)).split("\n")[0] ?? "";

  it.each(["single", "bulk"] as const)(
    "gets the next message, and that one again, after processingTimeout (%s)",
    async (topic) => {
      await publish(topics[topic], "hang");
      await eventually(() => seen.includes(`/${topic} hang`));
      await publish(topics[topic], "next");
      await eventually(() => seen.includes(`/${topic} next`), { what: "the next message" });
      const again = (): boolean => seen.filter((each) => each === `/${topic} hang`).length === 2;
      await eventually(again, { what: "the message again" });
      await eventually(async () => (await pending(topics[topic])) === "0");
    },
  );
});
