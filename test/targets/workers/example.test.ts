import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createTestHarness, type TestHarness } from "wrangler";
import { eventually } from "#test/support/eventually.ts";

const root = join(import.meta.dirname, "../../..");

/** The Workers of this repository as `wrangler dev` runs them: no nodejs_compat, which the plugin of project `workerd` forces on. */
describe("wrangler.toml with examples/workers-edge", () => {
  let server: TestHarness;
  beforeAll(async () => {
    process.env["CLOUDFLARE_CF_FETCH_ENABLED"] = "false";
    process.env["WRANGLER_SEND_METRICS"] = "false";
    server = createTestHarness({
      root,
      workers: [
        { configPath: "wrangler.toml", vars: { OUTRIGGER_ALLOW_ANONYMOUS: "true" } },
        { configPath: "examples/workers-edge/wrangler.toml" },
      ],
    });
    await server.listen();
  }, 60_000);
  afterAll(() => server.close());

  const post = (
    body: string,
  ): { method: string; headers: Record<string, string>; body: string } => ({
    method: "POST",
    headers: { "content-type": "application/json" },
    body,
  });

  test("answers health, metadata and state", async () => {
    expect((await server.fetch("/v1.0/healthz")).status).toBe(204);
    const metadata = (await (await server.fetch("/v1.0/metadata")).json()) as {
      readonly id: string;
    };
    expect(metadata.id).toBe("orders");
    expect(
      (await server.fetch("/v1.0/state/statestore", post('[{"key":"k","value":{"n":1}}]'))).status,
    ).toBe(204);
    expect(await (await server.fetch("/v1.0/state/statestore/k")).json()).toEqual({ n: 1 });
  });
  test("an order that the app publishes comes back to it and is saved", async () => {
    const app = server.getWorker("orders-app");
    const order = crypto.randomUUID();
    expect((await app.fetch("http://app/order", post(JSON.stringify({ order })))).status).toBe(204);
    await eventually(
      async () =>
        (await (await app.fetch("http://app/last-order")).text()) === JSON.stringify({ order }),
      { withinMs: 10_000, what: "the saved order" },
    );
  });
  test("an invoked call carries a large body to the app", async () => {
    const answer = await server.fetch(
      "/v1.0/invoke/orders/method/order",
      post(JSON.stringify({ large: "x".repeat(100_000) })),
    );
    expect(answer.status).toBe(204);
  });
});
