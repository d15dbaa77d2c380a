import { createExecutionContext, env, waitOnExecutionContext } from "cloudflare:test";
import { afterEach, describe, expect, test, vi } from "vitest";
import { createWorker } from "#targets/workers/worker.ts";

interface Export {
  readonly url: string;
  readonly headers: Headers;
  readonly body: string;
}
interface Exported {
  readonly name: string;
  readonly traceId: string;
  readonly parentSpanId?: string;
}
afterEach(() => vi.unstubAllGlobals());

/** One request to a Worker whose way out leads to this test; what it sent there by the end of the request's own time. */
async function exported(
  vars: Readonly<Record<string, string>>,
  path: string,
  answer: () => Response | Promise<Response> = () => new Response("{}"),
): Promise<{ readonly status: number; readonly exports: readonly Export[] }> {
  const exports: Export[] = [];
  vi.stubGlobal("fetch", async (url: string, init: RequestInit) => {
    const request = new Request(url, init);
    exports.push({ url, headers: request.headers, body: await request.text() });
    return answer();
  });
  const worker = createWorker();
  const app = { fetch: async () => new Response(null, { status: 404 }) };
  const ctx = createExecutionContext();
  const response = await worker.fetch(
    new Request(`https://outrigger.test${path}`, {
      headers: { traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01" },
    }),
    { ...env, APP: app, OUTRIGGER_ALLOW_ANONYMOUS: "true", ...vars },
    ctx,
  );
  await response.text();
  await waitOnExecutionContext(ctx);
  await vi.waitFor(() => expect(exports.length).toBeGreaterThan(0), { timeout: 20_000 });
  return { status: response.status, exports };
}

describe("spans of a Worker", () => {
  const otlp = {
    OTEL_EXPORTER_OTLP_ENDPOINT: "https://collector.test",
    OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
    OTEL_EXPORTER_OTLP_HEADERS: "x-key=k",
  };
  test("go out with the request that made them, by OTLP over fetch", async () => {
    const { status, exports } = await exported(otlp, "/v1.0/state/statestore/none");
    expect(status).toBe(204);
    expect(exports).toHaveLength(1);
    const [first] = exports;
    expect(first?.url).toBe("https://collector.test/v1/traces");
    expect(first?.headers.get("x-key")).toBe("k");
    const { resourceSpans } = JSON.parse(first?.body ?? "") as {
      readonly resourceSpans: ReadonlyArray<{
        readonly resource: { readonly attributes: readonly unknown[] };
        readonly scopeSpans: ReadonlyArray<{ readonly spans: readonly Exported[] }>;
      }>;
    };
    expect(resourceSpans[0]?.resource.attributes).toEqual([
      { key: "service.name", value: { stringValue: "orders" } },
    ]);
    expect(resourceSpans[0]?.scopeSpans[0]?.spans).toMatchObject([
      {
        name: "/v1.0/state/statestore/none",
        traceId: "0af7651916cd43dd8448eb211c80319c",
        parentSpanId: "b7ad6b7169203331",
      },
    ]);
  });
  test("go out as protobuf where a Configuration says http", async () => {
    const config = `
apiVersion: dapr.io/v1alpha1
kind: Configuration
metadata: { name: traced }
spec: { tracing: { samplingRate: "1", otel: { protocol: http, endpointAddress: "collector.test:4318" } } }`;
    const { exports } = await exported({ OUTRIGGER_CONFIG: config }, "/v1.0/metadata");
    expect(exports[0]?.url).toBe("https://collector.test:4318/v1/traces");
    expect(exports[0]?.headers.get("content-type")).toBe("application/x-protobuf");
    expect(exports[0]?.body).toContain("/v1.0/metadata");
  });
  test("that nobody takes hurt no request", async () => {
    const { status } = await exported(otlp, "/v1.0/state/statestore/none", () =>
      Promise.reject(new Error("no route")),
    );
    expect(status).toBe(204);
  });
});
