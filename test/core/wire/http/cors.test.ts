import { plainOperation } from "#test/support/plain-operation.ts";
import { describe, expect, it } from "vitest";
import { parseOrigins } from "#core/access-control/origins.ts";
import type { HttpRoutes } from "#core/wire/http/surface.ts";
import { hashToken } from "#core/identity/token-check.ts";
import { fakeApp, type FakeAppOptions } from "#test/support/fake-app.ts";
import { type ApiAnswer, api as surface, type ApiRequest } from "../../api.ts";

const hello = plainOperation("state.get", async () => "hello");
const block = (routes: HttpRoutes): void =>
  routes.on(
    ["GET", "POST"],
    "/v1.0/state/:store",
    hello,
    () => undefined,
    (body) => ({ status: 200, body }),
  );
const call = (
  origins: string,
  headers: Readonly<Record<string, string>>,
  request: ApiRequest = {},
  app: FakeAppOptions = {},
): Promise<ApiAnswer> =>
  surface(fakeApp({ ...app, origins: parseOrigins(origins) }), [block])("/v1.0/state/s", {
    ...request,
    headers,
  });
const preflight = (
  origins: string,
  headers: Readonly<Record<string, string>>,
  app: FakeAppOptions = {},
): Promise<ApiAnswer> =>
  call(origins, { "access-control-request-method": "PUT", ...headers }, { method: "OPTIONS" }, app);
const allow = (answer: ApiAnswer): string | null =>
  answer.headers.get("access-control-allow-origin");

describe("parseOrigins", () => {
  it.each(["", " ", ",", " , "])("is off for %j", (text) => {
    expect(parseOrigins(text)).toBeUndefined();
  });
  it.each([
    ["*", "https://a.example", true],
    ["https://a.example,*", "null", true],
    ["https://a.example", "https://a.example", true],
    ["https://a.example", "HTTPS://A.example", true],
    ["https://a.example", "http://a.example", false],
    ["https://a.example", "https://a.example.evil.example", false],
    ["http://x, https://a.example ", "https://a.example", true],
    ["https://*.example", "https://b.example", true],
    ["https://*.example", "https://.example", true],
    ["https://*.example", "http://b.example", false],
    ["https://aba*ba.example", "https://aba.example", false],
  ])("%j lets %s through: %s", (text, origin, wanted) => {
    expect(parseOrigins(text)?.allows(origin)).toBe(wanted);
  });
});

describe("CORS", () => {
  it("adds nothing while it is off", async () => {
    const answer = await surface(fakeApp(), [block])("/v1.0/state/s", {
      headers: { origin: "https://a.example" },
    });
    expect([allow(answer), answer.headers.get("vary")]).toEqual([null, null]);
  });
  it("shows an answer to any origin", async () => {
    const answer = await call("*", { origin: "https://a.example" });
    expect([answer.text, allow(answer), answer.headers.get("vary")]).toEqual([
      "hello",
      "*",
      "Origin",
    ]);
  });
  it("shows it to the origins on the list, and to no other", async () => {
    expect(allow(await call("https://a.example", { origin: "https://a.example" }))).toBe(
      "https://a.example",
    );
    const other = await call("https://a.example", { origin: "https://b.example" });
    expect([other.status, allow(other)]).toEqual([200, null]);
    expect(allow(await call("https://a.example", {}))).toBeNull();
  });
  it("answers a preflight before the token is asked for", async () => {
    const apiTokens = [await hashToken("secret")];
    const answer = await preflight(
      "*",
      { origin: "https://a.example", "access-control-request-headers": "x-one, dapr-api-token" },
      { apiTokens },
    );
    expect([answer.status, answer.text, allow(answer)]).toEqual([200, "", "*"]);
    expect(answer.headers.get("access-control-allow-methods")).toBe("PUT");
    expect(answer.headers.get("access-control-allow-headers")).toBe("X-One, Dapr-Api-Token");
    expect(answer.headers.get("vary")).toBe(
      "Origin, Access-Control-Request-Method, Access-Control-Request-Headers",
    );
  });
  it("shows a refused token to a browser", async () => {
    const answer = await call("*", { origin: "https://a.example" }, {}, { apiTokens: ["none"] });
    expect([answer.status, allow(answer)]).toEqual([401, "*"]);
  });
  it.each([
    ["an origin that is not on the list", { origin: "https://b.example" }],
    ["no origin", {}],
    [
      "a method that is none",
      { origin: "https://a.example", "access-control-request-method": "TRACE" },
    ],
  ])("allows nothing to %s", async (_, headers) => {
    const answer = await preflight("https://a.example", headers);
    expect([answer.status, allow(answer)]).toEqual([200, null]);
    expect(answer.headers.get("access-control-allow-methods")).toBeNull();
  });
  it("takes only what a header's name can be from a preflight", async () => {
    const answer = await preflight("*", {
      origin: "https://a.example",
      "access-control-request-headers": "a<b>, ,, \tC_d.e;f",
    });
    expect(answer.headers.get("access-control-allow-headers")).toBe("Ab, C_d.ef");
  });
  it("treats OPTIONS without a wanted method as any request", async () => {
    const answer = await call("*", { origin: "https://a.example" }, { method: "OPTIONS" });
    expect([answer.status, allow(answer)]).toEqual([404, "*"]);
  });
});
