import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { middleware as credentials } from "#components/middleware-oauth2clientcredentials/manifest.ts";
import { middleware as login } from "#components/middleware-oauth2/manifest.ts";
import type { HttpMiddleware } from "#core/ports/http-middleware.ts";
import { type Issuer, issuer, type TokenRequest } from "#test/doubles/issuer.ts";
import { fakeClock, type FakeClock } from "#test/support/fake-clock.ts";
import { openComponent, testHost, type TestHost } from "#test/support/host.ts";
import { type Through, through } from "#test/support/through.ts";

let provider: Issuer;
let clock: FakeClock;
let host: TestHost;
beforeEach(async () => {
  provider = await issuer();
  clock = fakeClock();
  host = testHost({ clock });
});
afterEach(() => provider[Symbol.asyncDispose]());

const basic = `Basic ${btoa("my%26id:s%2Fcret")}`;

describe("middleware.http.oauth2clientcredentials", () => {
  const open = (over: Readonly<Record<string, string>> = {}): Promise<HttpMiddleware> => {
    const metadata = {
      clientID: "my&id",
      clientSecret: "s/cret",
      scopes: "one,two",
      tokenURL: `${provider.url}/token`,
      headerName: "Authorization",
      ...over,
    };
    return openComponent(credentials, metadata, host);
  };
  const sent = (answer: Through): string | undefined => answer.passed?.headers.get("authorization");

  it("fetches a token and sends it along, in place of what the caller sent", async () => {
    const middleware = await open({
      endpointParamsQuery: "audience=api&audience=b&grant_type=own",
    });
    const answer = await through(middleware, { headers: ["authorization", "mine", "x", "y"] });
    expect([sent(answer), answer.passed?.headers.get("x")]).toEqual(["Bearer token", "y"]);
    expect(provider.tokenRequests).toEqual([
      {
        authorization: basic,
        form: { grant_type: "own", scope: "one two", audience: "b" },
      },
    ]);
  });
  it("fetches once for all who ask, and again before the token ends", async () => {
    const middleware = await open();
    await Promise.all(Array.from({ length: 20 }, () => through(middleware)));
    expect(provider.tokenRequests).toHaveLength(1);
    await clock.advance(3_580_000);
    await through(middleware);
    expect(provider.tokenRequests).toHaveLength(1);
    await clock.advance(15_000);
    await through(middleware);
    expect(provider.tokenRequests).toHaveLength(2);
  });
  it.each([
    ["0", [basic, undefined]],
    ["1", [undefined]],
    ["2", [basic]],
  ])("with authStyle %s authorizes by %j where only the body counts", async (authStyle, asked) => {
    provider.onToken = ({ form }) =>
      form["client_secret"] === "s/cret" && form["client_id"] === "my&id"
        ? { body: { access_token: "token" } }
        : { status: 401, body: { error: "invalid_client" } };
    const middleware = await open({ authStyle });
    const answer = await through(middleware);
    expect(provider.tokenRequests.map(({ authorization }) => authorization)).toEqual(asked);
    expect(answer.status).toBe(authStyle === "2" ? 500 : 200);
    if (authStyle !== "0") return;
    // The way that worked is kept.
    await clock.advance(3_600_000);
    await through(middleware);
    expect(provider.tokenRequests.at(-1)?.authorization).toBeUndefined();
    expect(provider.tokenRequests).toHaveLength(3);
  });
  it.each<readonly [string, object, string]>([
    [
      "a form",
      { type: "application/x-www-form-urlencoded", body: "access_token=a%20b&token_type=mac" },
      "MAC a b",
    ],
    [
      "text",
      { type: "text/plain; charset=utf-8", body: "access_token=t&expires_in=60" },
      "Bearer t",
    ],
    [
      "JSON with a life in text",
      { body: { access_token: "t", token_type: "DPoP", expires_in: "60" } },
      "DPoP t",
    ],
  ])("reads %s", async (_, answer, wanted) => {
    provider.onToken = () => answer as never;
    expect(sent(await through(await open()))).toBe(wanted);
  });
  it.each<readonly [string, object | null]>([
    ["a refusal", { status: 400, body: { error: "invalid_scope" } }],
    ["no JSON", { body: "<html>" }],
    ["a list", { body: [] }],
    ["no token", { body: { token_type: "bearer" } }],
    ["a token that fits into no header", { body: { access_token: "a\nb" } }],
    ["an answer without end", { body: "x".repeat(2_000_000) }],
  ])("answers 500 to %s, says why in the log, and asks again", async (_, answer) => {
    provider.onToken = () => answer as never;
    const middleware = await open();
    const refused = await through(middleware);
    expect(refused).toMatchObject({
      status: 500,
      body: "Internal Server Error",
      passed: undefined,
    });
    const [line] = host.lines;
    expect(line?.message).toMatch(/^Cannot get an access token for test: /);
    expect(line?.message).not.toContain("s/cret");
    provider.onToken = () => ({ body: { access_token: "better" } });
    expect(sent(await through(middleware))).toBe("Bearer better");
  });
  it("gives up on an endpoint that never answers", async () => {
    let asked = (): void => {};
    const reached = new Promise<void>((resolve) => (asked = resolve));
    provider.onToken = () => {
      asked();
      return new Promise(() => {});
    };
    const answer = through(await open());
    await reached;
    await clock.advance(30_000);
    expect((await answer).status).toBe(500);
    expect(clock.sleepers).toBe(0);
  });
  it("leaves paths alone that the filter does not name, however they are spelled", async () => {
    const middleware = await open({ pathFilter: "^/v1.0/invoke/a/" });
    expect(sent(await through(middleware, { path: "/v1.0/invoke/b/method/x" }))).toBeUndefined();
    for (const path of [
      "/v1.0/invoke/a/method/x",
      "//v1.0//invoke/a/x",
      "/v1.0/%69nvoke/a/x",
      "/x/../v1.0/invoke/a/x",
    ])
      expect(sent(await through(middleware, { path }))).toBe("Bearer token");
  });
  it.each([
    [{ headerName: "" }, "Parameter 'headerName' needs to be set"],
    [{ clientID: "" }, "Parameter 'clientID' needs to be set"],
    [{ clientSecret: "" }, "Parameter 'clientSecret' needs to be set"],
    [{ scopes: "" }, "Parameter 'scopes' needs to be set"],
    [{ tokenURL: "" }, "Parameter 'tokenURL' needs to be set"],
    [{ tokenURL: "nowhere" }, "tokenURL must be an absolute address"],
    [{ headerName: "a b" }, "headerName must be the name of a header"],
    [{ authStyle: "3" }, "Parameter 'authStyle' can only have the values 0,1,2. Received: '3'"],
    [{ authStyle: "-1" }, "can only have the values 0,1,2"],
    [{ authStyle: "0.5" }, "can only have the values 0,1,2"],
    [{ pathFilter: "(" }, "pathFilter is not a valid regular expression"],
    [{ endpointParamsQuery: "scope=x" }, "endpointParamsQuery must not repeat scope"],
  ])("refuses %j", async (over, message) => {
    await expect(open(over)).rejects.toThrow(message);
  });
});

describe("middleware.http.oauth2", () => {
  const open = (over: Readonly<Record<string, string>> = {}): Promise<HttpMiddleware> => {
    const metadata = {
      clientID: "my&id",
      clientSecret: "s/cret",
      authURL: "https://login.example/authorize?tenant=1",
      tokenURL: `${provider.url}/token`,
      ...over,
    };
    return openComponent(login, metadata, host);
  };
  const get = (
    middleware: HttpMiddleware,
    path: string,
    cookie = "",
    headers: readonly string[] = [],
  ): Promise<Through> =>
    through(middleware, { path, headers: ["cookie", `a=b; ${cookie}; c`, ...headers] });
  /** The cookie that an answer sets, as a browser sends it back. */
  const cookieOf = (answer: Through): string =>
    (answer.headers.get("set-cookie") ?? "").split(";", 1)[0] as string;
  const begin = async (
    middleware: HttpMiddleware,
    path = "/v1.0/invoke/a/method/x?y=1",
    headers: readonly string[] = [],
  ) => {
    const answer = await get(middleware, path, "", headers);
    const location = new URL(answer.headers.get("location") ?? "");
    return {
      answer,
      location,
      cookie: cookieOf(answer),
      state: location.searchParams.get("state") ?? "",
    };
  };

  it("sends a browser to log in", async () => {
    const middleware = await open({ scopes: "one,two", redirectURL: "https://me.example/back" });
    const { answer, location, state } = await begin(middleware);
    expect(answer).toMatchObject({ status: 302, body: "", passed: undefined });
    expect(location.origin + location.pathname).toBe("https://login.example/authorize");
    expect(Object.fromEntries(location.searchParams)).toEqual({
      tenant: "1",
      access_type: "offline",
      client_id: "my&id",
      redirect_uri: "https://me.example/back",
      response_type: "code",
      scope: "one two",
      state,
    });
    expect(answer.headers.get("set-cookie")).toMatch(
      /^gosessionsid=[\w-]+; Path=\/; Max-Age=7200; HttpOnly; SameSite=Lax$/,
    );
  });
  it("exchanges the code and sends the browser where it wanted to go, with its token from then on", async () => {
    const middleware = await open({ redirectURL: "https://me.example/back" });
    const { cookie, state } = await begin(middleware);
    const back = await get(middleware, `/back?code=the+code&state=${state}`, cookie);
    expect([back.status, back.headers.get("location")]).toEqual([
      302,
      "/v1.0/invoke/a/method/x?y=1",
    ]);
    expect(provider.tokenRequests).toEqual<readonly TokenRequest[]>([
      {
        authorization: basic,
        form: {
          grant_type: "authorization_code",
          code: "the code",
          redirect_uri: "https://me.example/back",
        },
      },
    ]);
    const answer = await get(middleware, "/v1.0/invoke/a/method/x?y=1", cookieOf(back), [
      "authorization",
      "mine",
    ]);
    expect(answer.passed?.headers.get("authorization")).toBe("Bearer token");
    expect(answer.body).toBe("next");
  });
  it("works in any process with the same secret, and with no other", async () => {
    const { cookie, state } = await begin(await open());
    const path = `/back?code=c&state=${state}`;
    expect((await get(await open({ clientSecret: "other" }), path, cookie)).status).toBe(400);
    expect((await get(await open(), path, cookie)).status).toBe(302);
  });
  it("ends a session with its token, and after two hours", async () => {
    const middleware = await open();
    const session = async (): Promise<string> => {
      const { cookie, state } = await begin(middleware);
      return cookieOf(await get(middleware, `/back?code=c&state=${state}`, cookie));
    };
    const short = await session();
    await clock.advance(3_599_000);
    expect((await get(middleware, "/", short)).status).toBe(200);
    await clock.advance(2000);
    expect((await get(middleware, "/", short)).status).toBe(302);
    provider.onToken = () => ({ body: { access_token: "token" } });
    const long = await session();
    await clock.advance(7_199_000);
    expect((await get(middleware, "/", long)).status).toBe(200);
    await clock.advance(2000);
    expect((await get(middleware, "/", long)).status).toBe(302);
  });
  it.each<readonly [string, (state: string, cookie: string) => readonly [string, string], string]>([
    ["without a cookie", (state) => [`/?code=c&state=${state}`, ""], "invalid state"],
    ["with another state", (_, cookie) => ["/?code=c&state=other", cookie], "invalid state"],
    [
      "with a cookie that was changed",
      (state, cookie) => [`/?code=c&state=${state}`, `${cookie.slice(0, -6)}AAAAAA`],
      "invalid state",
    ],
    [
      "with a cookie that is none",
      (state) => [`/?code=c&state=${state}`, "gosessionsid=%%%"],
      "invalid state",
    ],
    [
      "with an empty cookie",
      (state) => [`/?code=c&state=${state}`, "gosessionsid="],
      "invalid state",
    ],
    ["without a code", (state, cookie) => [`/?state=${state}`, cookie], "code not found"],
  ])("refuses a return %s", async (_, request, message) => {
    const middleware = await open();
    const { cookie, state } = await begin(middleware);
    const answer = await get(middleware, ...request(state, cookie));
    expect([answer.status, answer.body, answer.passed]).toEqual([400, message, undefined]);
    expect(provider.tokenRequests).toEqual([]);
  });
  it.each<readonly [string, object]>([
    ["refuses the code", { status: 400, body: { error: "invalid_grant" } }],
    ["gives a token that is too long for a cookie", { body: { access_token: "x".repeat(5000) } }],
  ])("answers 500 when the provider %s", async (_, token) => {
    provider.onToken = () => token as never;
    const middleware = await open();
    const { cookie, state } = await begin(middleware);
    const answer = await get(middleware, `/?code=c&state=${state}`, cookie);
    expect([answer.status, answer.body]).toEqual([500, "Internal Server Error"]);
    expect(host.lines[0]?.message).toMatch(/^Cannot exchange the code for a token \(test\): /);
  });
  it.each([
    ["//evil.example/x", "/evil.example/x"],
    ["/\\evil.example/x", "/evil.example/x"],
    ["/a/../b", "/a/../b"],
    [`/${"x".repeat(5000)}`, "/"],
  ])("sends nobody who came for %s to another host", async (path, location) => {
    const middleware = await open();
    const { cookie, state } = await begin(middleware, path);
    const back = await get(middleware, `/?code=c&state=${state}`, cookie);
    expect(back.headers.get("location")).toBe(location);
  });
  it("sends back by https where it is told to", async () => {
    const middleware = await open({ forceHTTPS: "true" });
    const { answer, cookie, state } = await begin(middleware, "/x", ["Host", "me.example:8080"]);
    expect(answer.headers.get("set-cookie")).toMatch(/; Secure$/);
    const back = await get(middleware, `/?code=c&state=${state}`, cookie);
    expect(back.headers.get("location")).toBe("https://me.example:8080/x");
  });
  it("uses another header, and lets other paths pass", async () => {
    const middleware = await open({ authHeaderName: "x-token", pathFilter: "^/v1.0/invoke" });
    expect((await get(middleware, "/v1.0/healthz")).status).toBe(200);
    const { cookie, state } = await begin(middleware);
    const back = await get(middleware, `/v1.0/invoke/?code=c&state=${state}`, cookie);
    const answer = await get(middleware, "/v1.0/invoke/a/method/x", cookieOf(back));
    expect(answer.passed?.headers.get("x-token")).toBe("Bearer token");
  });
  it.each([
    [{ clientID: "" }, "metadata property 'clientID' is required"],
    [{ clientSecret: "" }, "metadata property 'clientSecret' is required"],
    [{ authURL: "" }, "metadata property 'authURL' is required"],
    [{ authURL: "login" }, "authURL must be an absolute address"],
    [{ tokenURL: "/token" }, "tokenURL must be an absolute address"],
    [{ authHeaderName: "a:b" }, "authHeaderName must be the name of a header"],
    [{ pathFilter: "[" }, "pathFilter is not a valid regular expression"],
  ])("refuses %j", async (over, message) => {
    await expect(open(over)).rejects.toThrow(message);
  });
});
