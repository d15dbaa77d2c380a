import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { base64url, SignJWT, UnsecuredJWT } from "jose";
import { middleware as manifest } from "#components/middleware-bearer/manifest.ts";
import type { HttpMiddleware } from "#core/ports/http-middleware.ts";
import { type Issuer, issuer } from "#test/doubles/issuer.ts";
import { openComponent, testHost } from "#test/support/host.ts";
import { through } from "#test/support/through.ts";

let oidc: Issuer;
let kid: string;
beforeEach(async () => {
  oidc = await issuer();
  kid = await oidc.addKey();
});
afterEach(() => oidc[Symbol.asyncDispose]());

const open = (metadata: Readonly<Record<string, string>> = {}): Promise<HttpMiddleware> => {
  const clock = { ...testHost().clock, now: () => Date.now() };
  const host = testHost({ clock });
  return openComponent(manifest, { issuer: oidc.url, audience: "me", ...metadata }, host);
};
const now = (): number => Math.floor(Date.now() / 1000);
const claims = (): Record<string, unknown> => ({
  iss: oidc.url,
  aud: "me",
  iat: now(),
  exp: now() + 60,
});
const statusWith = async (middleware: HttpMiddleware, authorization: string): Promise<number> =>
  (await through(middleware, { headers: ["Authorization", authorization] })).status;

describe("middleware.http.bearer", () => {
  it.each(["RS256", "PS512", "ES256", "EdDSA"])(
    "lets a token through that is signed with %s",
    async (alg) => {
      const other = await oidc.addKey(alg);
      const middleware = await open();
      expect(await statusWith(middleware, `Bearer ${await oidc.sign(claims(), other)}`)).toBe(200);
    },
  );
  it("does not care for the case of the scheme, and passes the header on", async () => {
    const token = await oidc.sign({ ...claims(), aud: ["you", "me"] }, kid);
    const answer = await through(await open(), { headers: ["authorization", `bEARER ${token}`] });
    expect(answer.passed?.headers.get("authorization")).toBe(`bEARER ${token}`);
  });
  it("refuses without a word on the reason", async () => {
    const answer = await through(await open());
    expect(answer).toMatchObject({ status: 401, body: "Unauthorized", passed: undefined });
    expect(answer.headers.get("content-type")).toBe("text/plain; charset=utf-8");
  });
  it.each([
    "",
    "Bearer",
    "Bearer ",
    "Bearer short",
    "Basic dXNlcjpwYXNzd29yZA==",
    "Bearer not.a.token-at-all",
    "Bearer eyJhbGciOiJub25lIn0.e30.",
    "Bearer ....................",
    `Bearer ${"a".repeat(10_000)}`,
  ])("refuses the header %j", async (authorization) => {
    expect(await statusWith(await open(), authorization)).toBe(401);
  });
  it.each<readonly [string, () => Record<string, unknown>, number]>([
    ["for someone else", () => ({ aud: "you" }), 401],
    ["for nobody", () => ({ aud: undefined }), 401],
    ["of another issuer", () => ({ iss: "https://evil.example" }), 401],
    ["of an issuer with another slash", () => ({ iss: `${oidc.url}/` }), 401],
    ["that has just ended", () => ({ exp: now() - 200 }), 200],
    ["that has ended", () => ({ exp: now() - 400 }), 401],
    ["that begins at once", () => ({ nbf: now() + 200 }), 200],
    ["that begins later", () => ({ nbf: now() + 400 }), 401],
    ["made by a clock that is a little ahead", () => ({ iat: now() + 200 }), 200],
    ["made in the future", () => ({ iat: now() + 400 }), 401],
    ["without an end", () => ({ exp: undefined }), 200],
  ])("judges a token %s", async (_, over, status) => {
    const token = await oidc.sign({ ...claims(), ...over() }, kid);
    expect(await statusWith(await open(), `Bearer ${token}`)).toBe(status);
  });
  it("refuses a token that was tampered with", async () => {
    const [header, , signature] = (await oidc.sign(claims(), kid)).split(".");
    const body = base64url.encode(JSON.stringify({ ...claims(), sub: "admin" }));
    expect(await statusWith(await open(), `Bearer ${header}.${body}.${signature}`)).toBe(401);
  });
  it("refuses a token without a signature, or signed with the public key as a secret", async () => {
    const middleware = await open();
    expect(await statusWith(middleware, `Bearer ${new UnsecuredJWT(claims()).encode()}`)).toBe(401);
    const secret = new TextEncoder().encode("any secret that is long enough for it");
    const token = await new SignJWT(claims())
      .setProtectedHeader({ alg: "HS256", kid })
      .sign(secret);
    expect(await statusWith(middleware, `Bearer ${token}`)).toBe(401);
  });
});

describe("the keys of middleware.http.bearer", () => {
  it("are found by discovery, by an address, and under other names of the settings", async () => {
    const token = `Bearer ${await oidc.sign(claims(), kid)}`;
    oidc.answers.set("/keys", { body: "{}" });
    const aliased = await openComponent(manifest, { issuerURL: oidc.url, clientID: "me" });
    expect(await statusWith(aliased, token)).toBe(200);
    const direct = await open({ issuer: "anyone", jwksURL: `${oidc.url}/jwks` });
    expect(await statusWith(direct, token)).toBe(401);
    const other = await oidc.sign({ ...claims(), iss: "anyone" }, kid);
    expect(await statusWith(direct, `Bearer ${other}`)).toBe(200);
  });
  it("are fetched once for many requests", async () => {
    const middleware = await open();
    const token = await oidc.sign(claims(), kid);
    await Promise.all(Array.from({ length: 20 }, () => statusWith(middleware, `Bearer ${token}`)));
    expect(oidc.keyFetches).toBe(1);
  });
  describe("as time goes by", () => {
    beforeEach(() => void vi.useFakeTimers({ toFake: ["Date"] }));
    afterEach(() => void vi.useRealTimers());
    const later = (minutes: number): void => void vi.setSystemTime(Date.now() + minutes * 60_000);
    const judge = async (middleware: HttpMiddleware, key: string): Promise<number> =>
      statusWith(middleware, `Bearer ${await oidc.sign(claims(), key)}`);

    it("are fetched again for a key that is not among them, but not for each such token", async () => {
      const middleware = await open();
      const rotated = await oidc.addKey();
      expect(await judge(middleware, rotated)).toBe(401);
      later(1);
      expect(await judge(middleware, rotated)).toBe(200);
      const strange = await oidc.addKey();
      for (let i = 0; i < 5; i++) expect(await judge(middleware, strange)).toBe(401);
      expect(oidc.keyFetches).toBe(2);
    });
    it("stop counting once the issuer has taken them back", async () => {
      const middleware = await open();
      const other = await oidc.addKey();
      oidc.removeKey(kid);
      later(11);
      expect(await judge(middleware, kid)).toBe(401);
      expect(await judge(middleware, other)).toBe(200);
    });
    it("serve on while the issuer cannot be reached, and are asked for with pauses", async () => {
      const middleware = await open();
      oidc.answers.set("/jwks", null);
      later(11);
      for (let i = 0; i < 3; i++) expect(await judge(middleware, kid)).toBe(200);
      const strange = await oidc.addKey();
      expect(await judge(middleware, strange)).toBe(401);
      expect(oidc.keyFetches).toBe(2);
      oidc.answers.delete("/jwks");
      later(1);
      expect(await judge(middleware, strange)).toBe(200);
    });
  });
  it.each<
    readonly [string, string, { readonly status?: number; readonly body: unknown } | null, string]
  >([
    [
      "no document",
      "/.well-known/openid-configuration",
      { status: 404, body: {} },
      "invalid response status code: 404",
    ],
    [
      "a document that is not valid JSON",
      "/.well-known/openid-configuration",
      { body: "<html>" },
      "failed to retrieve OpenID Configuration document",
    ],
    [
      "a document that is a list",
      "/.well-known/openid-configuration",
      { body: [] },
      "does not contain a 'jwks_uri'",
    ],
    [
      "a document without keys",
      "/.well-known/openid-configuration",
      { body: { issuer: "x" } },
      "does not contain a 'jwks_uri'",
    ],
    [
      "a document of another issuer",
      "/.well-known/openid-configuration",
      { body: { issuer: "x", jwks_uri: "y" } },
      "the issuer found in the OpenID Configuration document ('x')",
    ],
    [
      "a document without end",
      "/.well-known/openid-configuration",
      { body: "x".repeat(2_000_000) },
      "stream too large",
    ],
    [
      "no answer",
      "/.well-known/openid-configuration",
      null,
      "failed to retrieve OpenID Configuration document",
    ],
    ["no keys", "/jwks", { status: 500, body: {} }, "failed to fetch JWKS"],
    ["keys that are none", "/jwks", { body: { keys: "all" } }, "failed to fetch JWKS"],
    [
      "keys without end",
      "/jwks",
      { body: "x".repeat(2_000_000) },
      "failed to fetch JWKS: stream too large",
    ],
    ["keys in no time", "/jwks", null, "failed to fetch JWKS"],
  ])("keep the component from starting when there is %s", async (_, path, answer, message) => {
    oidc.answers.set(path, answer);
    await expect(open()).rejects.toThrow(message);
  });
  it.each([
    [{ audience: "me" }, "metadata property 'issuer' is required"],
    [{ issuer: "x" }, "metadata property 'audience' is required"],
    [{ issuer: "x", audience: "me", jwksURL: "nowhere" }, "jwksURL must be an absolute address"],
  ])("are not asked for with %j", async (metadata, message) => {
    await expect(openComponent(manifest, metadata)).rejects.toThrow(message);
  });
});
