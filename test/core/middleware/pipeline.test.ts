import { plainOperation } from "#test/support/plain-operation.ts";
import { describe, expect, it } from "vitest";
import type { HttpRoutes } from "#core/wire/http/surface.ts";
import { hashToken } from "#core/identity/token-check.ts";
import { throughAppPipeline } from "#core/middleware/app-pipeline.ts";
import { withHeader } from "#core/util/header-list.ts";
import { createPipeline, type Pipeline } from "#core/middleware/pipeline.ts";
import { textResponse } from "#core/middleware/text-response.ts";
import type { HttpMiddleware } from "#core/ports/http-middleware.ts";
import type { PlainRequest } from "#core/ports/platform.ts";
import { fakeApp, type FakeAppOptions, recordingChannel } from "#test/support/fake-app.ts";
import { api as surface } from "../api.ts";

type Handle = HttpMiddleware["handle"];
const pipeline = (...handlers: readonly Handle[]): Pipeline =>
  createPipeline(handlers.map((handle) => ({ handle }))) as Pipeline;
const note =
  (log: string[], name: string): Handle =>
  async (request, next) => {
    log.push(`${name} in`);
    const answer = await next(request);
    log.push(`${name} out`);
    return answer;
  };

/** Answers with what it was called with. */
const block = (routes: HttpRoutes): void => {
  const echo = plainOperation("state.echo", async (_, said: object) => said);
  routes.on(
    ["GET", "POST", "PUT"],
    "/v1.0/state/:store",
    echo,
    async (input) => ({
      store: input.param("store"),
      q: input.query("q"),
      x: input.header("x"),
      all: input.headers.join(" "),
      body: await input.text(),
    }),
    (said) => ({ status: 200, headers: { "x-said": "1" }, body: JSON.stringify(said) }),
  );
};
const call = (given: FakeAppOptions & { readonly httpPipeline: Pipeline }) =>
  surface(fakeApp(given), [block]);

describe("createPipeline", () => {
  it("is none without handlers", () => {
    expect(createPipeline([])).toBeUndefined();
  });
  it("goes in from the first handler and out from the last", async () => {
    const log: string[] = [];
    await call({ httpPipeline: pipeline(note(log, "a"), note(log, "b")) })("/v1.0/state/s");
    expect(log).toEqual(["a in", "b in", "b out", "a out"]);
  });
});

describe("httpPipeline", () => {
  it("leaves what nobody changes as it was", async () => {
    const get = call({ httpPipeline: pipeline((request, next) => next(request)) });
    const answer = await get("/v1.0/state/s?q=1", {
      method: "POST",
      headers: { x: "y" },
      body: "text",
    });
    expect(answer.json).toMatchObject({ store: "s", q: "1", x: "y", body: "text" });
    expect(answer.headers.get("x-said")).toBe("1");
  });
  it("can change path, query, method, headers and body", async () => {
    const get = call({
      httpPipeline: pipeline((request, next) =>
        next({
          ...request,
          method: "PUT",
          path: "/v1.0/state/other?q=2",
          headers: withHeader(request.headers, "x", "changed"),
          body: "longer than it was",
        }),
      ),
    });
    const answer = await get("/v1.0/nowhere", {
      method: "POST",
      headers: { x: "y" },
      body: "text",
    });
    expect(answer.json).toMatchObject({
      store: "other",
      q: "2",
      x: "changed",
      body: "longer than it was",
    });
    expect(answer.json["all"]).toContain("content-length 18");
    expect(answer.json["all"]).not.toContain("content-length 4");
  });
  it("can hand over a stream of unknown length", async () => {
    const stream = new Response("streamed").body as ReadableStream<Uint8Array>;
    const get = call({
      httpPipeline: pipeline((request, next) => next({ ...request, body: stream })),
    });
    const answer = await get("/v1.0/state/s", { method: "POST", body: "text" });
    expect(answer.json["body"]).toBe("streamed");
    expect(answer.json["all"]).toContain("transfer-encoding chunked");
  });
  it("keeps to the limit of bodies, whatever a handler makes of one", async () => {
    const stream = new Response("x".repeat(100)).body as ReadableStream<Uint8Array>;
    const get = call({
      maxBodyBytes: 10,
      httpPipeline: pipeline((request, next) => next({ ...request, body: stream })),
    });
    expect((await get("/v1.0/state/s", { method: "POST", body: "text" })).status).toBe(500);
  });
  it("can change an answer, cookies kept apart, or give its own", async () => {
    const change = call({
      httpPipeline: pipeline(async (request, next) => {
        const answer = await next(request);
        return {
          ...answer,
          status: 201,
          headers: [
            ...answer.headers,
            "set-cookie",
            "a=1",
            "set-cookie",
            "b=2",
            "content-length",
            "1",
          ],
        };
      }),
    });
    const changed = await change("/v1.0/state/s");
    expect([changed.status, changed.json["store"], changed.headers.get("x-said")]).toEqual([
      201,
      "s",
      "1",
    ]);
    expect(changed.headers.getSetCookie()).toEqual(["a=1", "b=2"]);
    const refuse = call({ httpPipeline: pipeline(async () => textResponse(403)) });
    expect((await refuse("/v1.0/state/s")).text).toBe("Forbidden");
  });
  it("has a body for no status that allows none", async () => {
    const get = call({
      httpPipeline: pipeline(async () => ({ status: 304, headers: [], body: "x" })),
    });
    expect((await get("/v1.0/state/s")).status).toBe(304);
  });
  it.each([
    ["throws", () => Promise.reject(new Error("secret reason"))],
    ["answers with a status that there is not", async () => ({ status: 99, headers: [] })],
    ["answers with a header that cannot be", async () => ({ status: 200, headers: ["a b", "\n"] })],
    [
      "asks for a method that there is not",
      (request, next) => next({ ...request, method: "TRACE" }),
    ],
  ] satisfies ReadonlyArray<readonly [string, Handle]>)(
    "answers 500 without the reason when a handler %s",
    async (_, handle) => {
      const answer = await call({ httpPipeline: pipeline(handle) })("/v1.0/state/s");
      expect([answer.status, answer.text]).toEqual([500, "Internal Server Error"]);
    },
  );
  it("runs behind the token, which it does not see", async () => {
    const log: string[] = [];
    const get = call({
      apiTokens: [await hashToken("secret")],
      httpPipeline: pipeline((request, next) => {
        log.push(request.headers.join(" "));
        return next(request);
      }),
    });
    expect((await get("/v1.0/state/s")).status).toBe(401);
    expect(
      (await get("/v1.0/state/s", { headers: { "Dapr-Api-Token": "secret", x: "y" } })).status,
    ).toBe(200);
    expect(log).toEqual(["x y"]);
  });
  it("stands before invocation too", async () => {
    const get = call({
      httpPipeline: pipeline((request, next) =>
        next({ ...request, path: "/v1.0/invoke/nobody/method/x" }),
      ),
    });
    const answer = await get("/free/words");
    expect([answer.status, answer.json["errorCode"]]).toEqual([500, "ERR_DIRECT_INVOKE"]);
    expect(answer.text).toContain("nobody");
  });
});

describe("appHttpPipeline", () => {
  const options = { signal: new AbortController().signal };
  const request: PlainRequest = {
    method: "POST",
    path: "/orders",
    headers: ["content-length", "4", "x", "y"],
    body: "text",
  };
  it("stands before the app", async () => {
    const channel = recordingChannel(() => ({ status: 200, body: "from the app" }));
    const wrapped = throughAppPipeline(
      channel,
      pipeline(async (given, next) => {
        const answer = await next({ ...given, path: `/v2${given.path}`, body: "other text" });
        return { ...answer, status: 202 };
      }),
      100,
    );
    const answer = await wrapped.send(request, options);
    expect(answer.status).toBe(202);
    expect(channel.seen).toEqual([
      { method: "POST", path: "/v2/orders", headers: { x: "y" }, body: "other text" },
    ]);
  });
  it("can keep a call from the app", async () => {
    const channel = recordingChannel();
    const wrapped = throughAppPipeline(
      channel,
      pipeline(async () => textResponse(429)),
      100,
    );
    expect((await wrapped.send(request, options)).status).toBe(429);
    expect(channel.seen).toEqual([]);
  });
  it("passes the app's silence on", async () => {
    const channel = recordingChannel(() => Promise.reject(new Error("refused")));
    const wrapped = throughAppPipeline(
      channel,
      pipeline((given, next) => next(given)),
      100,
    );
    await expect(wrapped.send(request, options)).rejects.toThrow("refused");
  });
  it("stands before what is invoked outside of the runtime too", async () => {
    const asked: string[] = [];
    const fetch = (async (url: string, init: { readonly headers: Headers }) => {
      asked.push(url, init.headers.get("x") ?? "");
      return new Response("from outside");
    }) as unknown as typeof globalThis.fetch;
    const appHttpPipeline = pipeline((given, next) =>
      next({ ...given, path: `/v2${given.path}`, headers: withHeader(given.headers, "x", "y") }),
    );
    const get = surface(fakeApp({ appHttpPipeline }), [], { fetch });
    const answer = await get("/v1.0/invoke/http://out.example/base/method/orders?q=1");
    expect([answer.status, answer.text]).toEqual([200, "from outside"]);
    expect(asked).toEqual(["http://out.example/base/v2/orders?q=1", "y"]);
  });
});
