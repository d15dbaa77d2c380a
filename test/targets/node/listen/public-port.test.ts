import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { freePort } from "#test/support/free-port.ts";
import { sidecar, type SidecarProcess } from "#test/support/sidecar.ts";

describe("the public port", () => {
  let runtime: SidecarProcess;
  let port: number;
  beforeAll(async () => {
    port = await freePort();
    runtime = await sidecar({
      args: ["--app-id", "app", "--dapr-public-port", String(port)],
      env: { DAPR_API_TOKEN: "secret" },
    });
    await runtime.healthy();
  }, 40_000);
  afterAll(async () => {
    await runtime?.stop();
  });
  const get = async (of: number, path: string): Promise<number> =>
    (await fetch(`http://127.0.0.1:${of}${path}`)).status;

  it.each(["/v1.0/healthz", "/v1.0/healthz/outbound", "/v1.0/metadata", "//v1.0/metadata/"])(
    "serves %s without a token",
    async (path) => {
      expect(await get(port, path)).toBeLessThan(300);
    },
  );
  it.each([
    "/v1.0/state/x/y",
    "/v1.0/invoke/app/method/x",
    "/",
    "/v1.0/metadata/../state/x/y",
    "/v1.0/secrets/s/bulk",
  ])("knows nothing of %s", async (path) => {
    expect(await get(port, path)).toBe(404);
  });
  it("leaves the API port guarded", async () => {
    expect(await get(runtime.httpPort, "/v1.0/metadata")).toBe(401);
    expect(await get(runtime.httpPort, "/v1.0/healthz")).toBe(204);
  });
});
