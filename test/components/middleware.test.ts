import { writeFile } from "node:fs/promises";
import { afterAll, beforeAll, describe } from "vitest";
import { middleware as bearer } from "#components/middleware-bearer/manifest.ts";
import { middleware as login } from "#components/middleware-oauth2/manifest.ts";
import { middleware as credentials } from "#components/middleware-oauth2clientcredentials/manifest.ts";
import { middleware as rateLimit } from "#components/middleware-ratelimit/manifest.ts";
import { middleware as alias } from "#components/middleware-routeralias/manifest.ts";
import { middleware as checker } from "#components/middleware-routerchecker/manifest.ts";
import { middleware as uppercase } from "#components/middleware-uppercase/manifest.ts";
import { middleware as wasm } from "#components/middleware-wasm/manifest.ts";
import { httpMiddlewareContract } from "#test/contracts/http-middleware.ts";
import { type Issuer, issuer } from "#test/doubles/issuer.ts";
import { openComponent } from "#test/support/host.ts";
import { temporaryFile } from "#test/support/temporary-file.ts";
import { wasmGuest } from "#test/support/wasm-guest.ts";

const anything = async () => ({ method: "POST", path: "/v1.0/state/store", body: "text" });

describe("middleware.http.uppercase", () => {
  httpMiddlewareContract({ open: () => openComponent(uppercase), passes: anything });
});

describe("middleware.http.routeralias", () => {
  httpMiddlewareContract({
    open: () => openComponent(alias, { routes: '{"/a": "/v1.0/invoke/app/method/a"}' }),
    passes: anything,
  });
});

describe("middleware.http.routerchecker", () => {
  httpMiddlewareContract({
    open: () => openComponent(checker, { rule: "^/v1.0/" }),
    passes: anything,
    refuses: { request: { path: "/elsewhere" }, status: 400 },
  });
});

describe("middleware.http.ratelimit", () => {
  httpMiddlewareContract({
    open: () => openComponent(rateLimit, { maxRequestsPerSecond: "1000" }),
    passes: anything,
  });
});

describe("middleware.http.wasm", () => {
  httpMiddlewareContract({
    open: async () => {
      const file = temporaryFile("guest.wasm");
      await writeFile(file, wasmGuest({}));
      return openComponent(wasm, { url: `file://${file}` });
    },
    passes: anything,
  });
});

describe("with an issuer", () => {
  let oidc: Issuer;
  let token: string;
  beforeAll(async () => {
    oidc = await issuer();
    const kid = await oidc.addKey();
    const now = Math.floor(Date.now() / 1000);
    token = await oidc.sign({ iss: oidc.url, aud: "me", iat: now, exp: now + 600 }, kid);
  });
  afterAll(() => oidc[Symbol.asyncDispose]());

  describe("middleware.http.bearer", () => {
    httpMiddlewareContract({
      open: () => openComponent(bearer, { issuer: oidc.url, audience: "me" }),
      passes: async () => ({ headers: ["authorization", `Bearer ${token}`] }),
      refuses: { request: {}, status: 401 },
    });
  });

  describe("middleware.http.oauth2clientcredentials", () => {
    httpMiddlewareContract({
      open: () =>
        openComponent(credentials, {
          clientID: "me",
          clientSecret: "secret",
          scopes: "one",
          tokenURL: `${oidc.url}/token`,
          headerName: "Authorization",
        }),
      passes: anything,
    });
  });

  describe("middleware.http.oauth2", () => {
    httpMiddlewareContract({
      open: () =>
        openComponent(login, {
          clientID: "me",
          clientSecret: "secret",
          authURL: `${oidc.url}/authorize`,
          tokenURL: `${oidc.url}/token`,
          redirectURL: "http://localhost/back",
          authHeaderName: "Authorization",
          pathFilter: "^/private",
        }),
      passes: async () => ({ path: "/public" }),
      refuses: { request: { path: "/private" }, status: 302 },
    });
  });
});
