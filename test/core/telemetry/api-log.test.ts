import { describe, expect, test } from "vitest";
import { createGrpc } from "#core/wire/grpc/surface.ts";
import { boundGrpcBlocks } from "#test/support/runtime-services.ts";
import { healthHttp } from "#core/blocks/health/http.ts";
import { createHttp } from "#core/wire/http/surface.ts";
import { invokeHttp } from "#core/blocks/invoke/http.ts";
import { createInvoke } from "#core/blocks/invoke/operations.ts";
import { compose } from "#core/kernel/operation.ts";
import type { Log, Platform, PlainResponse } from "#core/ports/platform.ts";
import type { ApiLoggingSettings } from "#core/resources/api-logging.ts";
import { stateHttp } from "#core/blocks/state/http.ts";
import { createApiLog } from "#core/telemetry/api-log.ts";
import { grpcClient } from "#test/core/grpc-call.ts";
import { silent } from "#test/core/api.ts";
import { fakeApp } from "#test/support/fake-app.ts";
import { fakeClock } from "#test/support/fake-clock.ts";

type Line = Readonly<Record<string, unknown>>;
const off: ApiLoggingSettings = { enabled: false, obfuscateUrls: false, omitHealthChecks: false };
const on = { ...off, enabled: true };

/** An app whose calls are logged, the way to call it, and what was logged. */
function logged(settings: ApiLoggingSettings, flag?: boolean, answer?: PlainResponse) {
  const lines: Line[] = [];
  const log: Log = { ...silent, info: (msg, fields) => void lines.push({ msg, ...fields }) };
  const apiLog = createApiLog({ appId: "orders", settings, flag, clock: fakeClock(), log });
  const app = fakeApp({
    ...(apiLog ? { apiLog } : {}),
    appId: "orders",
    channel: { send: async () => answer ?? { status: 200, headers: [], body: "größe" } },
  });
  const platform = { host: { address: "", name: "" }, log: silent } as unknown as Platform;
  const invoke = createInvoke({ platform, find: () => app });
  const surface = createHttp(
    compose([]),
    [stateHttp, healthHttp, (routes) => invokeHttp(routes, invoke)],
    silent,
  );
  const ask = async (target: string, init: RequestInit = {}): Promise<string> => {
    const request = new Request("http://localhost/", init);
    return (await surface(request, { app, target })).text();
  };
  return { app, lines, ask };
}

describe("API logging over HTTP", () => {
  test("says of each call what was called, how it ended, how long it took and who called", async () => {
    const { ask, lines } = logged(on);
    await ask("/v1.0/invoke/orders/method/echo?secret=1", {
      headers: { "user-agent": "curl/8" },
    });
    expect(lines).toEqual([
      {
        msg: "HTTP API Called",
        app_id: "orders",
        scope: "dapr.runtime.http-info",
        method: "GET /v1.0/invoke/orders/method/echo",
        code: 200,
        duration: expect.any(Number) as number,
        size: 7,
        useragent: "curl/8",
      },
    ]);
    expect(Number.isInteger(lines[0]?.["duration"])).toBe(true);
  });

  test("an error is a call too, and who does not say who they are is not named", async () => {
    const { ask, lines } = logged(on);
    const text = await ask("/v1.0/state/none/key", { method: "DELETE" });
    expect(lines[0]).toMatchObject({
      method: "DELETE /v1.0/state/none/key",
      code: 500,
      size: text.length,
    });
    expect(lines[0]).not.toHaveProperty("useragent");
  });

  test("a stream is logged once it has ended, with its size", async () => {
    const body = new Blob(["x".repeat(100_000)]).stream();
    const { ask, lines } = logged(on, undefined, { status: 200, headers: [], body });
    await ask("/v1.0/invoke/orders/method/large");
    expect(lines).toMatchObject([{ size: 100_000 }]);
  });

  for (const [target, name] of [
    ["/v1.0/state/none/key", "GetState"],
    ["/v1.0/invoke/orders/method/secret/path", "InvokeService/orders"],
    ["/v1.0/healthz", "Healthz"],
    ["/v1.0/healthz/outbound", "HealthzOutbound"],
  ] as const)
    test(`with obfuscated URLs ${target} is ${name}`, async () => {
      const { ask, lines } = logged({ ...on, obfuscateUrls: true });
      await ask(target);
      expect(lines.map(({ method }) => method)).toEqual([name]);
    });

  test("health checks can be left out", async () => {
    const { ask, lines } = logged({ ...on, omitHealthChecks: true });
    await ask("/v1.0/healthz");
    await ask("/v1.0/healthz/outbound");
    await ask("/v1.0/state/none/key");
    expect(lines).toHaveLength(1);
  });

  for (const [settings, flag, expected] of [
    [on, undefined, true],
    [off, undefined, false],
    [on, false, false],
    [off, true, true],
  ] as const)
    test(`Configuration ${settings.enabled ? "on" : "off"} and flag ${String(flag)} is ${expected ? "on" : "off"}`, () => {
      expect(logged(settings, flag).app.policies.apiLog !== undefined).toBe(expected);
    });
});

describe("API logging over gRPC", () => {
  test("says the full method, the number of the status and who called", async () => {
    const { app, lines } = logged(on);
    const surface = createGrpc(compose([]), boundGrpcBlocks, silent);
    const client = grpcClient(app, { "user-agent": "grpc-go/1" }, boundGrpcBlocks, surface);
    await expect(client.unary("GetState", { storeName: "none", key: "k" })).rejects.toThrow();
    expect(lines).toEqual([
      {
        msg: "gRPC API Called",
        app_id: "orders",
        scope: "dapr.runtime.grpc.api-info",
        method: "/dapr.proto.runtime.v1.Dapr/GetState",
        code: 9,
        duration: expect.any(Number) as number,
        useragent: "grpc-go/1",
      },
    ]);
  });
});
