import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { mergeConfigurations } from "#core/resources/configuration.ts";
import { createRuntime, type Runtime } from "#core/hosting/runtime.ts";
import type { App } from "#core/kernel/app.ts";
import { fakeClock } from "#test/support/fake-clock.ts";
import { keptLog } from "#test/support/kept-log.ts";

describe("building blocks that are not there yet", () => {
  const log = keptLog();
  let runtime: Runtime;
  let app: App;
  beforeAll(async () => {
    const platform = {
      clock: fakeClock(),
      log,
      fetch: () => Promise.reject(new Error("no network here")),
      env: {},
      host: { address: "10.0.0.1", name: "host" },
      binding: () => undefined,
      background: () => {},
    };
    runtime = createRuntime({ platform, target: "node", manifests: [] });
    ({ app } = await runtime.addApp({
      appId: "shop",
      namespace: "",
      resources: [],
      configuration: mergeConfigurations([]),
      apiTokens: [],
      limits: { maxBodyBytes: 4096 },
      extended: {},
      failOnComponentError: true,
      bindingProbeMs: 100,
      disableInitEndpoints: [],
      shutdown: () => {},
    }));
  });
  afterAll(() => runtime[Symbol.asyncDispose]());

  it.each([["workflows", "POST", "workflows/dapr/order/start", 400, "ERR_ACTOR_NO_PLACEMENT"]])(
    "answers %s as Dapr does, and says in the log that there are none",
    async (block, ...call) => {
      const [method, path, status, errorCode] = call;
      const lines = (): readonly string[] =>
        log.of("warn").filter((line) => line.includes(`Outrigger does not support ${block} yet`));
      expect(lines()).toHaveLength(0);
      // Once in the log, however often it is called.
      for (let i = 0; i < 2; i++) {
        const request = new Request("http://localhost/", { method });
        const target = `/v1.0/${path}`;
        const answer = await runtime.fetch(request, { app, target, rawHeaders: [] });
        expect(answer.status).toBe(status);
        expect(await answer.json()).toMatchObject({ errorCode });
      }
      expect(lines()).toHaveLength(1);
    },
  );
});
