import { afterAll, beforeAll, expect, test } from "vitest";
import type { HttpMiddleware, PipelineRequest } from "#core/ports/http-middleware.ts";
import type { PlainResponse } from "#core/ports/platform.ts";
import { through } from "#test/support/through.ts";

export interface HttpMiddlewareSubject {
  readonly open: () => Promise<HttpMiddleware>;
  /** A request that it lets pass. */
  readonly passes: () => Promise<Partial<PipelineRequest>>;
  /** One that it answers by itself, and with what; absent for one that refuses nothing. */
  readonly refuses?: { readonly request: Partial<PipelineRequest>; readonly status: number };
}
const options = { signal: new AbortController().signal };

/** What every HTTP middleware promises, whatever it is for. */
export function httpMiddlewareContract({ open, passes, refuses }: HttpMiddlewareSubject): void {
  let middleware: HttpMiddleware;
  beforeAll(async () => {
    middleware = await open();
  });
  afterAll(() => middleware?.[Symbol.asyncDispose]());

  test("handle calls what is next once, and hands its status and headers back", async () => {
    let called = 0;
    const answer = await through(middleware, await passes(), async () => {
      called++;
      return { status: 201, headers: ["x-next", "yes"], body: "made" };
    });
    expect([called, answer.status, answer.headers.get("x-next")]).toEqual([1, 201, "yes"]);
  });
  test("handle passes on headers that it knows nothing of", async () => {
    const request = await passes();
    const headers = [...(request.headers ?? []), "X-Unknown", "kept"];
    const { passed } = await through(middleware, { ...request, headers });
    expect(passed?.headers.get("x-unknown")).toBe("kept");
  });
  test("handle lets a failure of what is next out as it is", async () => {
    const failing = through(middleware, await passes(), () =>
      Promise.reject(new Error("the app has gone")),
    );
    await expect(failing).rejects.toThrow("the app has gone");
  });
  test("handle keeps calls apart that run side by side", async () => {
    const request = await passes();
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, i) =>
        through(middleware, request, async (): Promise<PlainResponse> => {
          await new Promise((resolve) => setTimeout(resolve, 10 - i));
          return { status: 200, headers: ["x-number", String(i)] };
        }),
      ),
    );
    expect(answers.map(({ headers }) => headers.get("x-number"))).toEqual(
      Array.from({ length: 10 }, (_, i) => String(i)),
    );
  });
  if (refuses)
    test("handle answers what it refuses, and calls nothing", async () => {
      const { request, status } = refuses;
      const answer = await through(middleware, request);
      expect([answer.status, answer.passed]).toEqual([status, undefined]);
    });
  test("handle takes a target of any bytes, a body or none, and never rejects for them", async () => {
    for (const path of ["/", "/%", "/%zz?%", "//", "/a?b=c&b=d#e", `/${"x".repeat(4000)}`]) {
      const given = { method: "POST", headers: [], maxBodyBytes: 100, path, body: "text" };
      const response = await middleware.handle(
        given,
        async () => ({ status: 204, headers: [] }),
        options,
      );
      expect(response.status).toBeGreaterThanOrEqual(200);
    }
  });
}
