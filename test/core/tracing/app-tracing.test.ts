import { describe, expect, it } from "vitest";
import type { Platform } from "#core/ports/platform.ts";
import { Fields } from "#core/resources/fields.ts";
import { readTracing, type TracingSection } from "#core/resources/tracing.ts";
import { ownTracing } from "#core/tracing/app-tracing.ts";
import { fakeClock } from "#test/support/fake-clock.ts";

const section = (value: object): TracingSection => readTracing(new Fields(value, "tracing", []));
const otlp = (protocol: string, endpointAddress = "c:4318"): object => ({
  samplingRate: "1",
  otel: { protocol, endpointAddress },
});
const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

function setUp(more: Partial<Platform> = {}) {
  const errors: string[] = [];
  const posted: string[] = [];
  const background: Array<Promise<unknown>> = [];
  const quiet = (): void => {};
  const platform: Platform = {
    clock: fakeClock(),
    log: { debug: quiet, info: quiet, warn: quiet, error: (message) => void errors.push(message) },
    fetch: async (url) => {
      posted.push(url as string);
      return new Response();
    },
    env: {},
    host: { address: "127.0.0.1", name: "host" },
    binding: () => undefined,
    background: (work) => void background.push(work),
    ...more,
  };
  return {
    errors,
    posted,
    background,
    owner: ownTracing({ appId: "orders", namespace: "" }, platform),
  };
}

describe("an app's tracing", () => {
  it.each([
    ["nothing is said", {}, undefined],
    ["the rate cannot be read", { samplingRate: "often" }, 1e-4],
    ["the rate is 0", { ...otlp("http"), samplingRate: "0", stdout: true }, 0],
    ["no exporter is named", { samplingRate: "1" }, 1],
    ["the protocol is missing", { samplingRate: "1", otel: { endpointAddress: "c" } }, 1],
  ])("has no tracer where %s", (_, value, samplingRate) => {
    expect(setUp().owner.of(section(value))).toEqual({ samplingRate, tracer: undefined });
  });
  it("keeps its tracer from one Configuration to an equal one", () => {
    const { owner, background } = setUp();
    const { tracer } = owner.of(section(otlp("http")));
    expect(tracer).toBeDefined();
    expect(owner.of(section({ ...otlp("http") })).tracer).toBe(tracer);
    expect(background).toEqual([]);
  });
  it("sends what the old one still has when it changes", async () => {
    const { owner, background, posted } = setUp();
    const before = owner.of(section(otlp("http", "old:4318"))).tracer;
    before?.start({ traceparent, tracestate: "" }, "", "x", "client").end();
    const after = owner.of(section(otlp("http", "new:4318"))).tracer;
    expect(after).not.toBe(before);
    await Promise.all(background);
    expect(posted).toEqual(["https://old:4318/v1/traces"]);
    before?.start({ traceparent, tracestate: "" }, "", "late", "client").end();
    await before?.flush();
    after?.start({ traceparent, tracestate: "" }, "", "y", "client").end();
    await after?.flush();
    expect(posted).toEqual(["https://old:4318/v1/traces", "https://new:4318/v1/traces"]);
  });
  it("says so where the platform has no gRPC, and opens no channel before the first span where it has", async () => {
    const without = setUp();
    expect(without.owner.of(section(otlp("grpc"))).tracer).toBeUndefined();
    expect(without.errors).toEqual([
      "Not exporting spans: this platform has no OTLP over gRPC; set the protocol to http",
    ]);
    let opened = 0;
    let closed = 0;
    const exported: Uint8Array[] = [];
    const { owner } = setUp({
      openOtlpGrpc: async () => {
        opened++;
        return {
          export: async (request) => {
            exported.push(request);
            return new Uint8Array(0);
          },
          close: () => void closed++,
        };
      },
    });
    const { tracer } = owner.of(section(otlp("grpc")));
    expect(opened).toBe(0);
    for (const name of ["a", "b"]) {
      tracer?.start({ traceparent, tracestate: "" }, "", name, "client").end();
      await tracer?.flush();
    }
    expect([opened, exported.length]).toEqual([1, 2]);
    owner.close();
    await Promise.resolve();
    expect(closed).toBe(1);
  });
});
