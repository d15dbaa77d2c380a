import type { FakeAppOptions } from "#test/support/fake-app.ts";
import { describe, expect, it } from "vitest";
import type { App } from "#core/kernel/app.ts";
import { fakeApp, recordingChannel } from "#test/support/fake-app.ts";
import { api } from "../../api.ts";

const cart = (
  given: FakeAppOptions = {},
): { app: App; channel: ReturnType<typeof recordingChannel> } => {
  const channel = recordingChannel(({ path }) =>
    path.startsWith("/teapot")
      ? {
          status: 418,
          headers: [
            "content-type",
            "text/plain",
            "x-a",
            "1",
            "x-a",
            "2",
            "set-cookie",
            "a=1",
            "set-cookie",
            "b=2",
            "connection",
            "x-gone",
            "x-gone",
            "1",
            "content-length",
            "5",
          ],
          body: "short",
        }
      : { status: 200, headers: ["content-type", "text/plain"], body: "ok" },
  );
  return { channel, app: fakeApp({ appId: "cart", channel, ...given }) };
};
const finder =
  (...apps: readonly App[]) =>
  ({ namespace, appId }: { namespace: string; appId: string }): App | undefined =>
    apps.find((app) => app.appId === appId && app.namespace === namespace);

describe("invoke", () => {
  it.each([
    ["/v1.0/invoke/cart/method/add", {}, "/add"],
    ["/v1.0/invoke/cart/method/a/b/c", {}, "/a/b/c"],
    ["/v1.0/invoke/cart/method/", {}, "/"],
    ["/v1.0/invoke/cart/method/../../x", {}, "/x"],
    ["/v1.0/invoke/cart/method/a%2Fb%20c", {}, "/a/b%20c"],
    ["//v1.0//invoke//cart/method/add", {}, "/add"],
    ["/v1.0/invoke/cart.default/method/add?q=1&q=2", {}, "/add?q=1&q=2"],
    ["/any/path", { "dapr-app-id": "cart" }, "/any/path"],
    ["/v1.0/invoke/cart/method/add", { "dapr-app-id": "cart" }, "/v1.0/invoke/cart/method/add"],
    ["/any", { authorization: `Basic ${btoa("dapr-app-id:cart")}` }, "/any"],
  ])("%s with %j reaches %s", async (path, headers, wanted) => {
    const { app, channel } = cart();
    const call = api(fakeApp({ appId: "shop" }), [], { find: finder(app) });
    expect((await call(path, { headers })).status).toBe(200);
    expect(channel.seen.map((seen) => seen.path)).toEqual([wanted]);
  });

  it("passes on the method, the body and the caller's headers, and says itself who is calling", async () => {
    const { app, channel } = cart();
    const call = api(fakeApp({ appId: "shop" }), [], { find: finder(app) });
    await call("/v1.0/invoke/cart/method/add", {
      method: "PATCH",
      body: "hello",
      headers: {
        "x-custom": "v",
        cookie: "a=b",
        authorization: "Bearer x",
        te: "trailers",
        connection: "keep-alive, x-hop",
        "x-hop": "1",
        "dapr-caller-app-id": "forged",
        "dapr-callee-app-id": "forged",
        "dapr-caller-namespace": "forged",
        "dapr-app-id": "cart",
      },
    });
    const [seen] = channel.seen;
    expect(seen?.method).toBe("PATCH");
    expect(seen?.body).toBe("hello");
    expect(seen?.headers).toEqual({
      "x-custom": "v",
      cookie: "a=b",
      authorization: "Bearer x",
      "dapr-caller-app-id": "shop",
      "dapr-callee-app-id": "cart",
      "dapr-caller-namespace": "default",
      "x-forwarded-for": "10.0.0.7",
      "x-forwarded-host": "node-7",
      forwarded: "for=10.0.0.7;by=10.0.0.7;host=node-7",
    });
  });

  it("gives back status, body and headers as the callee sent them, but those of its connection", async () => {
    const { app } = cart();
    const call = api(fakeApp({ appId: "shop" }), [], { find: finder(app) });
    const answer = await call("/v1.0/invoke/cart/method/teapot");
    expect(answer.status).toBe(418);
    expect(answer.text).toBe("short");
    expect(answer.headers.get("x-a")).toBe("1, 2");
    expect(answer.headers.getSetCookie()).toEqual(["a=1", "b=2"]);
    expect(answer.headers.has("x-gone")).toBe(false);
  });

  it("continues the caller's trace toward the callee, and names its own span in the answer", async () => {
    const { app, channel } = cart();
    const call = api(fakeApp({ appId: "shop", samplingRate: 1 }), [], { find: finder(app) });
    const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    const answer = await call("/v1.0/invoke/cart/method/x", {
      headers: { traceparent: parent, tracestate: "a=b" },
    });
    const sent = channel.seen[0]?.headers["traceparent"] ?? "";
    expect(sent.slice(0, 36)).toBe(parent.slice(0, 36));
    expect(sent).not.toBe(parent);
    expect(channel.seen[0]?.headers["tracestate"]).toBe("a=b");
    expect(answer.headers.get("traceparent")).toBe(sent);
  });

  it("never passes on the caller's API token, and sends the callee its own", async () => {
    const { app, channel } = cart({ appToken: "callee-secret" });
    const call = api(fakeApp({ appId: "shop" }), [], { find: finder(app) });
    await call("/v1.0/invoke/cart/method/x", { headers: { "dapr-api-token": "caller-secret" } });
    expect(channel.seen[0]?.headers["dapr-api-token"]).toBe("callee-secret");
  });

  it.each([
    [
      "/v1.0/invoke/ghost/method/m",
      500,
      "failed to invoke, id: ghost, err: no host found with the given ID",
    ],
    ["/v1.0/invoke/a.b.c/method/m", 500, "failed to invoke, id: a.b.c, err: invalid app id a.b.c"],
    [
      "/v1.0/invoke/cart.other/method/m",
      500,
      "failed to invoke, id: cart.other, err: no host found with the given ID",
    ],
    [
      "/v1.0/invoke/mute/method/m",
      500,
      "failed to invoke, id: mute, err: cannot invoke local endpoint: app channel not initialized",
    ],
    [
      "/v1.0/invoke/cart/method/a%23b",
      500,
      'failed to invoke, id: cart, err: method contains forbidden character: "a#b"',
    ],
    [
      "/v1.0/invoke/cart",
      404,
      "failed getting app id either from the URL path or the header dapr-app-id",
    ],
    [
      "/v1.0/nothing",
      404,
      "failed getting app id either from the URL path or the header dapr-app-id",
    ],
  ])("%s answers %i: %s", async (path, status, message) => {
    const call = api(fakeApp({ appId: "shop" }), [], {
      find: finder(cart().app, fakeApp({ appId: "mute" })),
    });
    const answer = await call(path);
    expect(answer.status).toBe(status);
    expect(answer.json).toEqual({ errorCode: "ERR_DIRECT_INVOKE", message });
  });

  it("answers 500 when the callee cannot be reached", async () => {
    const down = fakeApp({
      appId: "down",
      channel: { send: () => Promise.reject(new Error("connect ECONNREFUSED")) },
    });
    const call = api(fakeApp({ appId: "shop" }), [], { find: finder(down) });
    const answer = await call("/v1.0/invoke/down/method/m", { method: "POST", body: "x" });
    expect(answer.status).toBe(500);
    expect(answer.json["message"]).toContain("failed to invoke, id: down, err: ");
    expect(answer.json["message"]).toContain("ECONNREFUSED");
  });

  it("refuses a body above the limit without calling", async () => {
    const { app, channel } = cart();
    const call = api(fakeApp({ appId: "shop", maxBodyBytes: 10 }), [], { find: finder(app) });
    const answer = await call("/v1.0/invoke/cart/method/m", {
      method: "POST",
      body: "01234567890",
    });
    expect(answer.status).toBe(500);
    expect(answer.json["message"]).toContain("stream too large");
    expect(channel.seen).toEqual([]);
  });

  it("calls an HTTPEndpoint with its own headers, and a URL as it stands", async () => {
    const asked: Request[] = [];
    const fetch = async (url: unknown, init: unknown): Promise<Response> => {
      asked.push(new Request(url as string, init as RequestInit));
      return new Response("outside", { status: 202 });
    };
    const app = fakeApp({
      appId: "shop",
      appToken: "mine",
      httpEndpoints: new Map([
        ["ext", { name: "ext", baseUrl: "http://127.0.0.1:1/base/", headers: ["x-ext", "1"] }],
      ]),
    });
    const call = api(app, [], { fetch: fetch as typeof globalThis.fetch });
    expect(await call("/v1.0/invoke/ext/method/a?z=1")).toMatchObject({
      status: 202,
      text: "outside",
    });
    await call("/v1.0/invoke/http://127.0.0.1:1/method/b");
    expect(asked.map(({ url }) => url)).toEqual([
      "http://127.0.0.1:1/base/a?z=1",
      "http://127.0.0.1:1/b",
    ]);
    expect(asked[0]?.headers.get("x-ext")).toBe("1");
    expect(asked.map(({ headers }) => headers.get("dapr-api-token"))).toEqual([null, "mine"]);
  });
});

describe("API token", () => {
  const app = async (): Promise<App> => {
    const { hashToken } = await import("#core/identity/token-check.ts");
    return fakeApp({ apiTokens: [await hashToken("one"), await hashToken("two")] });
  };
  it.each([undefined, "", "on", "onee", "ONE"])(
    "refuses %j with 401 and plain text",
    async (token) => {
      const call = api(await app());
      const answer = await call("/v1.0/x", {
        headers: token === undefined ? {} : { "dapr-api-token": token },
      });
      expect(answer).toMatchObject({ status: 401, text: "invalid api token" });
      expect(answer.headers.get("content-type")).toContain("text/plain");
    },
  );
  it.each(["one", "two"])("takes %j, one of two that are valid", async (token) => {
    expect(
      (await api(await app())("/v1.0/x", { headers: { "dapr-api-token": token } })).status,
    ).toBe(404);
  });
  it.each([
    "/v1.0/state/x/healthz",
    "/v1.0/healthz/x",
    "/x/v1.0/healthz",
    "/v1.0/healthz/../metadata",
  ])("asks for one at %s, which only looks like a health route", async (path) => {
    expect((await api(await app())(path)).status).toBe(401);
  });
});
