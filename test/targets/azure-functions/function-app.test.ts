import { describe, expect, test } from "vitest";
import { openFunctions } from "#test/support/cell-functions.ts";

const cron = (name: string, schedule: string): string => `
---
apiVersion: dapr.io/v1alpha1
kind: Component
metadata: { name: ${name} }
spec: { type: bindings.cron, version: v1, metadata: [{ name: schedule, value: "${schedule}" }] }
`;

describe("the function app", () => {
  test("registers one anonymous HTTP function for every path and method, and a timer per cron binding", async () => {
    await using cell = await openFunctions({
      OUTRIGGER_RESOURCES_2: cron("tick", "@every 15s") + cron("odd", "@sometimes"),
    });
    const functions = [...cell.host.functions.values()].map(
      ({ name, bindings }) => [name, Object.values(bindings)[0]] as const,
    );
    expect(functions.map(([name]) => name).sort()).toEqual(["cron-tick", "outrigger"]);
    const byName = Object.fromEntries(functions);
    expect(byName["outrigger"]).toMatchObject({
      type: "httpTrigger",
      route: "{*path}",
      authLevel: "anonymous",
      methods: ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"],
    });
    expect(byName["cron-tick"]).toMatchObject({ type: "timerTrigger", schedule: "00:00:15" });
  });
  test("a timer calls the app's binding, and fails when the app does", async () => {
    await using cell = await openFunctions({
      OUTRIGGER_RESOURCES_2: cron("echo", "@every 15s") + cron("failing", "@hourly"),
    });
    await cell.host.timer("cron-echo");
    const calls = (await cell.appSaw("/echo")).filter(({ method }) => method === "POST");
    expect(calls).toHaveLength(1);
    expect(calls[0]?.headers["readtimeutc"]).toMatch(/^\d{4}-/);
    await expect(cell.host.timer("cron-failing")).rejects.toThrow(/500/);
  });
  test("refuses everyone but health checks while no token is configured", async () => {
    await using cell = await openFunctions({ OUTRIGGER_ALLOW_ANONYMOUS: "" });
    expect((await cell.fetch("/v1.0/metadata")).status).toBe(401);
    expect((await cell.fetch("/v1.0/healthz")).status).toBe(204);
  });
  test("asks for the configured token", async () => {
    await using cell = await openFunctions({ DAPR_API_TOKEN: "secret" });
    expect((await cell.fetch("/v1.0/metadata")).status).toBe(401);
    expect(
      (await cell.fetch("/v1.0/metadata", { headers: { "dapr-api-token": "secret" } })).status,
    ).toBe(200);
  });
  test("keeps an escaped slash in a path", async () => {
    await using cell = await openFunctions();
    await cell.fetch("/v1.0/invoke/orders/method/echo?path=a%2Fb");
    expect(await cell.appSaw("/echo?path=a%2Fb")).toHaveLength(1);
    const body = JSON.stringify([{ key: "a/b", value: 1 }]);
    expect((await cell.fetch("/v1.0/state/statestore", { method: "POST", body })).status).toBe(204);
    expect((await cell.fetch("/v1.0/state/statestore/a%2Fb")).status).toBe(200);
  });
  test("does not load without an app id", async () => {
    await expect(openFunctions({ OUTRIGGER_APP_ID: "" })).rejects.toThrow(
      "OUTRIGGER_APP_ID is not set",
    );
  });
});
