import {
  createExecutionContext,
  createMessageBatch,
  env,
  getQueueResult,
  waitOnExecutionContext,
} from "cloudflare:test";
import { describe, expect, test } from "vitest";
import { createWorker, type Worker } from "#targets/workers/worker.ts";

type Answers = (request: Request) => Response | Promise<Response>;

/** The test Worker's env with some entries changed, and an app of the test's own. */
function setUp(
  vars: Readonly<Record<string, unknown>>,
  answer: Answers,
): { worker: Worker; env: Record<string, unknown> } {
  const app = { fetch: async (url: string, init: RequestInit) => answer(new Request(url, init)) };
  return {
    worker: createWorker(),
    env: { ...env, APP: app, OUTRIGGER_ALLOW_ANONYMOUS: "true", ...vars },
  };
}
const subscribe: Answers = (request) =>
  new URL(request.url).pathname === "/dapr/subscribe"
    ? Response.json([{ pubsubname: "pubsub", topic: "orders", route: "/on-order" }])
    : new Response(null, { status: 404 });

describe("worker.fetch", () => {
  const ask = async (
    vars: Readonly<Record<string, unknown>>,
    path: string,
    headers: Record<string, string> = {},
  ): Promise<Response> => {
    const { worker, env } = setUp(vars, subscribe);
    const ctx = createExecutionContext();
    const answer = await worker.fetch(
      new Request(`https://outrigger.test${path}`, { headers }),
      env,
      ctx,
    );
    await waitOnExecutionContext(ctx);
    return answer;
  };

  test("refuses everyone but health checks while no token is configured", async () => {
    const closed = { OUTRIGGER_ALLOW_ANONYMOUS: undefined };
    expect((await ask(closed, "/v1.0/metadata")).status).toBe(401);
    expect(
      (await ask(closed, "/v1.0/state/statestore/k", { "dapr-api-token": "none" })).status,
    ).toBe(401);
    expect((await ask(closed, "/v1.0/healthz")).status).toBe(204);
  });
  test("asks for the configured token, also where anyone may call otherwise", async () => {
    const vars = { DAPR_API_TOKEN: "old,new" };
    expect((await ask(vars, "/v1.0/metadata")).status).toBe(401);
    expect((await ask(vars, "/v1.0/metadata", { "dapr-api-token": "wrong" })).status).toBe(401);
    expect((await ask(vars, "/v1.0/metadata", { "dapr-api-token": "new" })).status).toBe(200);
  });
  test("shows its metrics where they are asked for, to those with the token, and to nobody else", async () => {
    const path = "/outrigger/metrics";
    expect((await ask({}, path)).status).toBe(404);
    const vars = { OUTRIGGER_METRICS: "true", DAPR_API_TOKEN: "key" };
    expect((await ask(vars, path)).status).toBe(401);
    const answer = await ask(vars, path, { "dapr-api-token": "key" });
    expect(answer.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
    expect(await answer.text()).toContain('dapr_runtime_component_init_total{app_id="');
  });
  test("invokes another app through the service binding of its id, and no app of another namespace", async () => {
    const seen: string[] = [];
    const service = {
      fetch: async (url: string, init: RequestInit) => {
        seen.push(`${init.method} ${url}`);
        return new Response("from billing");
      },
    };
    const vars = { APP_BILLING_V2: service };
    expect(await (await ask(vars, "/v1.0/invoke/billing-v2/method/bill?n=1")).text()).toBe(
      "from billing",
    );
    expect((await ask(vars, "/v1.0/invoke/billing-v2.elsewhere/method/bill")).status).toBe(500);
    expect(seen).toEqual(["GET https://billing-v2/bill?n=1"]);
  });
  test("says what is missing in its settings", async () => {
    const answer = await ask({ OUTRIGGER_APP_ID: undefined }, "/v1.0/healthz");
    expect(answer.status).toBe(500);
    expect(await answer.json()).toEqual({
      errorCode: "ERROR",
      message: "OUTRIGGER_APP_ID is not set; set it to the app's id",
    });
  });
  test("shows no token to components, and says which binding a store lacks", async () => {
    const answer = await ask({ STATE: undefined }, "/v1.0/state/statestore/k");
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(await answer.text()).toContain("state");
  });
});

describe("worker.queue", () => {
  const event = (data: unknown): string =>
    JSON.stringify({
      id: "1",
      source: "x",
      specversion: "1.0",
      type: "t",
      datacontenttype: "application/json",
      data,
    });
  const message = (
    id: string,
    body: unknown,
  ): { id: string; timestamp: Date; attempts: number; body: unknown } => ({
    id,
    timestamp: new Date(),
    attempts: 1,
    body,
  });

  test("acknowledges what the app took or dropped, and only that", async () => {
    const { worker, env } = setUp({}, async (request) => {
      if (new URL(request.url).pathname !== "/on-order") return subscribe(request);
      const { data } = (await request.json()) as { readonly data: string };
      return Response.json({ status: data });
    });
    const batch = createMessageBatch("orders", [
      message("took", event("SUCCESS")),
      message("again", event("RETRY")),
      message("dropped", event("DROP")),
    ]);
    const ctx = createExecutionContext();
    await worker.queue(batch, env, ctx);
    const result = await getQueueResult(batch, ctx);
    expect(result.explicitAcks.sort()).toEqual(["dropped", "took"]);
    expect(result.retryMessages.map(({ msgId }) => msgId)).toEqual(["again"]);
  });
  test("takes bytes, and JSON of other producers", async () => {
    const seen: unknown[] = [];
    const { worker, env } = setUp({}, async (request) => {
      if (new URL(request.url).pathname !== "/on-order") return subscribe(request);
      seen.push(((await request.json()) as { readonly data: unknown }).data);
      return new Response();
    });
    const batch = createMessageBatch("orders", [
      message("bytes", new TextEncoder().encode(event("b")).buffer),
      message("json", JSON.parse(event("j"))),
    ]);
    const ctx = createExecutionContext();
    await worker.queue(batch, env, ctx);
    expect((await getQueueResult(batch, ctx)).explicitAcks.sort()).toEqual(["bytes", "json"]);
    expect(new Set(seen)).toEqual(new Set(["b", "j"]));
  });
  test("leaves a queue that nothing subscribes to for later", async () => {
    const { worker, env } = setUp({}, subscribe);
    const batch = createMessageBatch("elsewhere", [message("m", event(1))]);
    const ctx = createExecutionContext();
    await worker.queue(batch, env, ctx);
    const result = await getQueueResult(batch, ctx);
    expect(result.explicitAcks).toEqual([]);
    expect(result.retryBatch.retry || result.retryMessages.length === 1).toBe(true);
  });
});

describe("worker.scheduled", () => {
  const resources = `
apiVersion: dapr.io/v1alpha1
kind: Component
metadata: { name: tick }
spec: { type: bindings.cron, version: v1, metadata: [{ name: schedule, value: "*/5 * * * *" }] }
---
apiVersion: dapr.io/v1alpha1
kind: Component
metadata: { name: nightly }
spec: { type: bindings.cron, version: v1, metadata: [{ name: schedule, value: "0 3 * * *" }] }
`;
  const scheduled = (status: number): { run: Promise<void>; seen: string[] } => {
    const seen: string[] = [];
    const { worker, env } = setUp({ OUTRIGGER_RESOURCES: resources }, (request) => {
      const { pathname } = new URL(request.url);
      if (request.method === "OPTIONS") return new Response();
      if (request.method === "POST") seen.push(pathname);
      return new Response(null, { status: request.method === "POST" ? status : 404 });
    });
    const controller = {
      cron: "*/5 * * * *",
      scheduledTime: Date.now(),
      type: "scheduled" as const,
      noRetry: () => {},
    };
    return { run: worker.scheduled(controller, env, createExecutionContext()), seen };
  };

  test("calls the cron bindings of that schedule, and no other", async () => {
    const { run, seen } = scheduled(200);
    await run;
    expect(seen).toEqual(["/tick"]);
  });
  test("fails when the app does, so that the platform shows it", async () => {
    await expect(scheduled(500).run).rejects.toThrow(/500/);
  });
});
