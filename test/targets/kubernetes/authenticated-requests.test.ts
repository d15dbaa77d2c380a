import { request } from "node:http";
import { type AddressInfo } from "node:net";
import { describe, expect, it } from "vitest";
import type { App } from "#core/kernel/app.ts";
import type { RequestOrigin } from "#core/wire/http/input.ts";
import type { HttpSurface } from "#core/wire/http/surface.ts";
import type { AppFinder, PresentedCredentials } from "#targets/node/listen/app-finder.ts";
import { createHttpEndpoint } from "#targets/node/listen/http-endpoint.ts";

const app = { appId: "cart" } as App;
const healthRoutes: HttpSurface["exempt"] = (_, target) =>
  target.startsWith("/v1.0/healthz") ? { token: true } : undefined;

describe("a call is proven", () => {
  async function callerOf(
    who: App | AppFinder,
    headers: Readonly<Record<string, string>>,
    path = "/v1.0/metadata",
  ): Promise<{ readonly status: number; readonly isAuthenticated: boolean | undefined }> {
    let seen: RequestOrigin | undefined;
    using endpoint = createHttpEndpoint({
      who,
      fetch: Object.assign(
        (_: Request, caller: RequestOrigin) => {
          seen = caller;
          return new Response("ok");
        },
        { exempt: healthRoutes },
      ),
      maxHeaderBytes: 4096,
    });
    const server = endpoint.open();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const status = await new Promise<number>((resolve, reject) => {
      request({ port, host: "127.0.0.1", path, headers, agent: false }, (response) => {
        response.resume().once("end", () => resolve(response.statusCode ?? 0));
      })
        .once("error", reject)
        .end();
    });
    return { status, isAuthenticated: seen?.isAuthenticated };
  }
  const token = { "dapr-api-token": "secret" };
  it("when its app was found by a token", async () => {
    const shown: PresentedCredentials[] = [];
    const find: AppFinder = (what) => (shown.push(what), app);
    expect((await callerOf(find, token)).isAuthenticated).toBe(true);
    expect((await callerOf(async (what) => find(what), token)).isAuthenticated).toBe(true);
    expect(shown.map(({ isOpen }) => isOpen)).toEqual([false, false]);
  });
  it("not without one, on an open route", async () => {
    const find: AppFinder = ({ isOpen }) => (isOpen ? app : { status: 401, message: "no" });
    expect(await callerOf(find, {}, "/v1.0/healthz")).toEqual({
      status: 200,
      isAuthenticated: false,
    });
    expect(await callerOf(find, {})).toEqual({ status: 401, isAuthenticated: undefined });
    // A bad one is no better than none there.
    expect((await callerOf(find, token, "/v1.0/healthz")).status).toBe(401);
  });
  it("not by the port that it came on", async () => {
    expect((await callerOf(app, token)).isAuthenticated).toBe(false);
  });
});
