import { describe, expect, it } from "vitest";
import { createHttp } from "#core/wire/http/surface.ts";
import { hashToken, tokensOf } from "#core/identity/token-check.ts";
import { invokeHttp } from "#core/blocks/invoke/http.ts";
import { createInvoke } from "#core/blocks/invoke/operations.ts";
import { compose } from "#core/kernel/operation.ts";
import type { Platform } from "#core/ports/platform.ts";
import { fakeApp } from "#test/support/fake-app.ts";
import { fakeClock } from "#test/support/fake-clock.ts";
import { silent } from "../api.ts";

describe("the API token", async () => {
  const app = fakeApp({ appId: "shop", apiTokens: [await hashToken("good")] });
  const platform = { clock: fakeClock(), log: silent, env: {} } as unknown as Platform;
  const invoke = createInvoke({ platform, find: () => undefined });
  const surface = createHttp(compose([]), [(routes) => invokeHttp(routes, invoke)], silent);
  const status = async (token: string | undefined, more: object = {}): Promise<number> => {
    const rawHeaders = token === undefined ? [] : ["dapr-api-token", token];
    const caller = { app, target: "/v1.0/invoke/nobody/method/x", rawHeaders, ...more };
    return (await surface(new Request("http://localhost/"), caller)).status;
  };
  it.each([undefined, "", "bad", "good, good"])("is asked for, and %j is none", async (token) => {
    expect(await status(token)).toBe(401);
    expect(await status(token, { isAuthenticated: false })).toBe(401);
  });
  it.each([
    ["", []],
    ["one", ["one"]],
    ["old, new,", ["old, new,", "old", "new"]],
  ])("of the setting %j is any of %j", (text, tokens) => {
    expect(tokensOf(text)).toEqual(tokens);
  });
  it("lets in who has it", async () => {
    expect(await status("good")).not.toBe(401);
  });
  it("is not looked at again where the app was found by it", async () => {
    expect(await status("of a service account", { isAuthenticated: true })).not.toBe(401);
  });
});
