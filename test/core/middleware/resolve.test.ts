import { describe, expect, it } from "vitest";
import { resolvePipeline } from "#core/middleware/resolve.ts";
import { sandboxed } from "#core/middleware/sandbox.ts";
import { textResponse } from "#core/middleware/text-response.ts";
import type { ComponentDocument } from "#core/resources/component.ts";
import type { PlainResponse } from "#core/ports/platform.ts";
import { fakeApp } from "#test/support/fake-app.ts";
import { testHost } from "#test/support/host.ts";

const port = {
  handle: async () => textResponse(418),
  [Symbol.asyncDispose]: async () => {},
};
const app = fakeApp({
  components: [{ kind: "middleware.http", name: "gate", type: "middleware.http.gate", port }],
});
const failure = (ignored: boolean) => ({
  name: "gate",
  type: "middleware.http.gate",
  version: "v1",
  why: "no such host",
  reason: "it did not start",
  ignored,
  where: "f.yaml (document 1)",
});
const run = async (
  handler: { readonly name?: string; readonly type?: string; readonly version?: string },
  components: Partial<Parameters<typeof resolvePipeline>[2]> = {},
): Promise<{ readonly answer: PlainResponse | undefined; readonly log: readonly string[] }> => {
  const host = testHost();
  const pipeline = resolvePipeline(
    "httpPipeline",
    [{ name: "gate", type: "middleware.http.gate", version: "v1", ...handler }],
    { get: (kind, name) => app.component(kind, name), failed: [], ...components },
    host.log,
  );
  const answer = await pipeline?.run(
    { method: "GET", path: "/", headers: [], maxBodyBytes: 1 },
    async () => textResponse(200),
    { signal: new AbortController().signal },
  );
  return { answer, log: host.lines.map(({ message }) => message) };
};
const none = { get: () => undefined };

describe("resolvePipeline", () => {
  it("finds a handler by name, type and version", async () => {
    expect((await run({})).answer?.status).toBe(418);
    expect((await run({ type: "Middleware.HTTP.gate" })).answer?.status).toBe(418);
  });
  it.each([[{ name: "other" }], [{ type: "middleware.http.other" }], [{ version: "v2" }]])(
    "leaves %j out, and says so",
    async (handler) => {
      const { answer, log } = await run(handler);
      expect(answer).toBeUndefined();
      expect(log[0]).toMatch(/^httpPipeline: handler .* is not loaded and has no effect$/);
    },
  );
  it("leaves one out whose failure is to be ignored", async () => {
    const { answer } = await run({}, { ...none, failed: [failure(true)] });
    expect(answer).toBeUndefined();
  });
  it("refuses everything where one has failed, rather than leave open what it closes", async () => {
    const { answer, log } = await run({}, { ...none, failed: [failure(false)] });
    expect(answer).toEqual(textResponse(500));
    expect(log[0]).toContain("did not start");
  });
});

describe("sandboxed", () => {
  const document = (type: string): ComponentDocument => ({
    kind: "Component",
    name: "x",
    namespace: "",
    scopes: [],
    secretStore: undefined,
    origin: { file: "f.yaml", document: 1 },
    spec: {
      type,
      version: "v1",
      ignoreErrors: false,
      initTimeoutMs: 1,
      metadata: [{ name: "StrictSandbox", value: "false" }],
    },
  });
  it("forces WebAssembly components, and no others", () => {
    expect(sandboxed(document("middleware.http.wasm")).spec.metadata).toEqual([
      { name: "strictSandbox", value: "true" },
    ]);
    expect(sandboxed(document("bindings.wasm")).spec.metadata).toHaveLength(1);
    const other = document("state.redis");
    expect(sandboxed(other)).toBe(other);
  });
});
