import { describe, expect, it } from "vitest";
import { middleware as alias } from "#components/middleware-routeralias/manifest.ts";
import { middleware as checker } from "#components/middleware-routerchecker/manifest.ts";
import { middleware as uppercase } from "#components/middleware-uppercase/manifest.ts";
import { openComponent, testHost } from "#test/support/host.ts";
import { through } from "#test/support/through.ts";

describe("middleware.http.routeralias", () => {
  const aliased = async (routes: string, path: string): Promise<string | undefined> =>
    (await through(await openComponent(alias, { routes }), { path })).passed?.path;
  const routes = JSON.stringify({
    "/v1.0/mall/activity/info": "/v1.0/invoke/srv.default/method/mall/activity/info",
    "/v1.0/hello/{id}/info": "/v1.0/invoke/srv/method/info",
    "/v1.0/{kind:a|b}/{id:[0-9]{1,3}}/x": "/v1.0/state/{kind}?consistency=strong",
    "/v1.0/spaced": "/v1.0/invoke/srv/method/a b",
    relative: "v1.0/healthz",
  });
  it.each([
    ["/v1.0/mall/activity/info", "/v1.0/invoke/srv.default/method/mall/activity/info"],
    [
      "/v1.0/mall/activity/info?a=1&a=2",
      "/v1.0/invoke/srv.default/method/mall/activity/info?a=1&a=2",
    ],
    ["//v1.0//mall/./activity/info/", "/v1.0/invoke/srv.default/method/mall/activity/info"],
    ["/v1.0/hello/7/info", "/v1.0/invoke/srv/method/info?id=7"],
    ["/v1.0/hello/a%20b%26/info?z=1", "/v1.0/invoke/srv/method/info?id=a+b%26&z=1"],
    ["/v1.0/hello/7/8/info", "/v1.0/hello/7/8/info"],
    ["/v1.0/hello//info", "/v1.0/hello//info"],
    ["/v1.0/a/12/x", "/v1.0/state/%7Bkind%7D?consistency=strong&id=12&kind=a"],
    ["/v1.0/c/12/x", "/v1.0/c/12/x"],
    ["/v1.0/a/1234/x", "/v1.0/a/1234/x"],
    ["/v1.0/spaced", "/v1.0/invoke/srv/method/a%20b"],
    ["/v1x0/mall/activity/info", "/v1x0/mall/activity/info"],
    ["/elsewhere?q=%zz", "/elsewhere?q=%zz"],
  ])("serves %s as %s", async (path, wanted) => {
    expect(await aliased(routes, path)).toBe(wanted);
  });
  it("reads YAML too, and the first route that fits counts", async () => {
    expect(await aliased("/a/{x}: /first\n/a/b: /second\n", "/a/b")).toBe("/first?x=b");
  });
  it("reads the older form, without regard to case", async () => {
    const spec = { name: "x", namespace: "", metadata: { "/v1.0/mall/{id}": "/v1.0/healthz" } };
    const middleware = await alias.open(spec, testHost());
    expect((await through(middleware, { path: "/v1.0/Mall/7" })).passed?.path).toBe(
      "/v1.0/healthz?id=7",
    );
  });
  it("does nothing without routes", async () => {
    expect(await aliased("", "/a")).toBe("/a");
    expect(await aliased("{}", "/a")).toBe("/a");
  });
  it.each([
    ["{", "failed to decode 'routes' property as JSON or YAML"],
    ["[a, b]", "it is not a mapping"],
    ["{/a: [b]}", "invalid key/value pair"],
    ['{/a: ""}', "invalid key/value pair"],
    ["{'/a/{b': /c}", "unbalanced braces"],
    ["{'/a/b}{': /c}", "unbalanced braces"],
    ["{'/a/{}': /c}", "without a name or pattern"],
    ["{'/a/{b:}': /c}", "without a name or pattern"],
    ["{'/a/{b}/{b}': /c}", "the parameter b twice"],
    ["{'/a/{b:(}': /c}", "cannot be read"],
  ])("refuses the routes %s", async (text, message) => {
    await expect(openComponent(alias, { routes: text })).rejects.toThrow(message);
  });
  it("takes time in proportion for a pattern that would keep another engine busy", async () => {
    const evil = `/${"a".repeat(5000)}!`;
    expect(await aliased("{'/{x:(a+)+}$': /c}", evil)).toBe(evil);
  });
});

describe("middleware.http.routerchecker", () => {
  const check = async (rule: string, path: string): Promise<number> =>
    (await through(await openComponent(checker, { rule }), { path })).status;
  it.each([
    ["^[A-Za-z0-9/._-]+$", "/v1.0/invoke/app/method/x", 200],
    ["^[A-Za-z0-9/._-]+$", "/v1.0/invoke/app/method/x?y=1", 400],
    ["^[A-Za-z0-9/._-]+$", "/v1.0/%2e", 400],
    ["invoke", "/v1.0/invoke/app/method/x", 200],
    ["^/v1.0/invoke/a/.*", "/v1.0/invoke/b/method/x", 400],
    // Each is another path once it is cleaned.
    ["^/v1.0/invoke/a/.*", "/v1.0/invoke/a/../b/method/x", 400],
    ["^/v1.0/state/.*", "/v1.0/state/../secrets/s/k", 400],
    ["^/v1.0/invoke/http://a/method/x$", "/v1.0/invoke/http://a/method/x", 200],
  ])("the rule %s judges %s: %d", async (rule, path, status) => {
    expect(await check(rule, path)).toBe(status);
  });
  it("says what is wrong, and keeps the request", async () => {
    const answer = await through(await openComponent(checker, { rule: "^/ok" }), { path: "/no" });
    expect(answer).toMatchObject({ status: 400, body: "invalid router", passed: undefined });
    expect(answer.headers.get("content-type")).toBe("text/plain; charset=utf-8");
  });
  it("refuses a rule that is not a pattern", async () => {
    await expect(openComponent(checker, { rule: "(" })).rejects.toThrow(
      "rule is not a valid regular expression",
    );
  });
});

describe("middleware.http.uppercase", () => {
  const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
  const answer = { status: 200, headers: [], body: "answer" };
  it.each([
    [undefined, "ASKED", "answer"],
    ["request", "ASKED", "answer"],
    ["Response", "asked", "ANSWER"],
    ["both", "ASKED", "ANSWER"],
    ["sideways", "ASKED", "answer"],
  ])("with direction %s sends %s and gets %s", async (direction, asked, answered) => {
    const middleware = await openComponent(uppercase, direction === undefined ? {} : { direction });
    for (const body of [
      "asked",
      bytes("asked"),
      new Response("asked").body as ReadableStream<Uint8Array>,
    ]) {
      const result = await through(middleware, { method: "POST", body }, answer);
      expect([result.passed?.body, result.body]).toEqual([asked, answered]);
    }
  });
  it("changes letter by letter, also where a chunk splits one", async () => {
    const middleware = await openComponent(uppercase);
    const parts = bytes("añß ﬁ 日");
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        for (const byte of parts) controller.enqueue(new Uint8Array([byte]));
        controller.close();
      },
    });
    const result = await through(middleware, { method: "POST", body });
    expect(result.passed?.body).toBe("AÑß ﬁ 日");
  });
  it("leaves a request without a body alone", async () => {
    expect((await through(await openComponent(uppercase))).passed?.body).toBe("");
  });
});
