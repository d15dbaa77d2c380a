import { describe, expect, it } from "vitest";
import { parseDocuments } from "#core/resources/parse.ts";
import { problemText } from "#core/resources/read-document.ts";
import { mergeConfigurations } from "#core/resources/configuration.ts";
import { type Env, tracingSettings, type TracingSettings } from "#core/tracing/settings.ts";

const head = "apiVersion: dapr.io/v1alpha1\nkind: Configuration\nmetadata: { name: c }\n";
const read = (tracing: string) => parseDocuments(`${head}spec: { tracing: ${tracing} }`, "c.yaml");
function settings(tracing: string, env: Env = {}): TracingSettings {
  const { documents, problems } = read(tracing);
  expect(problems).toEqual([]);
  const { tracing: section } = mergeConfigurations(documents as never);
  return tracingSettings(section, env, "orders");
}
const http = "otel: { protocol: http, endpointAddress: 'c:4318' }";

describe("tracingSettings, of the Configuration", () => {
  it("has no rate, no exporter and the app's name where nothing is said", () => {
    expect(settings("{}")).toEqual({
      samplingRate: undefined,
      exporters: [],
      resource: { "service.name": "orders" },
      limits: { delayMs: 5000, maxQueue: 2048, maxBatch: 512 },
    });
  });
  it("takes all exporters at once", () => {
    const tracing = `{ samplingRate: "1", stdout: true, zipkin: { endpointAddress: "http://z:9411/api/v2/spans" }, ${http} }`;
    expect(settings(tracing)).toMatchObject({
      samplingRate: 1,
      exporters: [
        { kind: "stdout" },
        { kind: "zipkin", url: "http://z:9411/api/v2/spans" },
        {
          kind: "otlp-http",
          url: "https://c:4318/v1/traces",
          encoding: "protobuf",
          headers: {},
          timeoutMs: 10_000,
        },
      ],
    });
  });
  it.each([
    ["{ protocol: http, endpointAddress: 'c:4318', isSecure: false }", "http://c:4318/v1/traces"],
    ["{ protocol: http, endpointAddress: 'c:4318/own' }", "https://c:4318/own"],
    ["{ protocol: http, endpointAddress: 'http://c:4318/' }", "http://c:4318/v1/traces"],
    ["{ protocol: http, endpointAddress: '[::1]:4318' }", "https://[::1]:4318/v1/traces"],
  ])("otel %s posts to %s", (otel, url) => {
    expect(settings(`{ otel: ${otel} }`).exporters).toMatchObject([{ kind: "otlp-http", url }]);
  });
  it.each([
    ["{ protocol: grpc, endpointAddress: 'c:4317' }", "c:4317", true],
    ["{ protocol: grpc, endpointAddress: 'c:4317', isSecure: false }", "c:4317", false],
  ])("otel %s calls %s, with TLS: %s", (otel, address, isSecure) => {
    expect(settings(`{ otel: ${otel} }`).exporters).toMatchObject([
      { kind: "otlp-grpc", address, isSecure },
    ]);
  });
  it.each([
    ["[{ name: a, value: b }, { name: c, value: 1 }]", { a: "b", c: "1" }],
    ["['a=b', 'c=d=e']", { a: "b", c: "d=e" }],
    ["[]", {}],
  ])("reads headers %s", (headers, wanted) => {
    const tracing = `{ otel: { protocol: http, endpointAddress: c, headers: ${headers}, timeout: 1m30s } }`;
    expect(settings(tracing).exporters).toMatchObject([{ headers: wanted, timeoutMs: 90_000 }]);
  });
  it.each([
    [
      "{ zipkin: { endpointAddress: 'z:9411' } }",
      /zipkin.endpointAddress is "z:9411"; make it a URL/,
    ],
    [
      "{ otel: { protocol: udp, endpointAddress: c } }",
      /otel.protocol is "udp"; make it http or grpc/,
    ],
    ["{ otel: { endpointAddress: c } }", /otel.protocol is missing/],
    ["{ otel: { headers: ['a'] } }", /otel.headers\[0\] has no name/],
    ["{ otel: { headers: [{ name: 'a b', value: c }] } }", /cannot be sent as a header/],
    ['{ otel: { headers: [{ name: a, value: "b\\nc" }] } }', /cannot be sent as a header/],
    [
      "{ otel: { headers: [{ name: a, secretKeyRef: { name: s } }] } }",
      /secretKeyRef cannot be used/,
    ],
    ["{ otel: { timeout: soon } }", /otel.timeout is "soon"/],
    ["{ otel: { isSecure: maybe } }", /isSecure/],
    ["{ otel: { endpointAdress: c } }", /endpointAdress is unknown.*endpointAddress/],
  ])("says what is wrong with %s", (tracing, why) => {
    expect(read(tracing).problems.map(problemText).join("\n")).toMatch(why);
  });
});

describe("headers that cannot be sent", () => {
  it("are left out, and the rest of the Configuration counts", () => {
    const { documents } = read(
      "{ otel: { protocol: http, endpointAddress: c, headers: [{ name: a, value: b }, { name: k, secretKeyRef: { name: s, key: t } }, { name: 'x y', value: z }] } }",
    );
    const { tracing } = mergeConfigurations(documents as never);
    expect(tracing.otel.headers).toEqual({ a: "b" });
  });
});

describe("tracingSettings, of the environment", () => {
  const only = (env: Env, tracing = "{}") => settings(tracing, env).exporters;
  it.each<[Env, object]>([
    [
      { OTEL_EXPORTER_OTLP_ENDPOINT: "http://c:4317" },
      { kind: "otlp-grpc", address: "c:4317", isSecure: false },
    ],
    [
      { OTEL_EXPORTER_OTLP_ENDPOINT: "c:4317" },
      { kind: "otlp-grpc", address: "c:4317", isSecure: true },
    ],
    [
      { OTEL_EXPORTER_OTLP_ENDPOINT: "c:4317", OTEL_EXPORTER_OTLP_INSECURE: "true" },
      { kind: "otlp-grpc", isSecure: false },
    ],
    [
      {
        OTEL_EXPORTER_OTLP_ENDPOINT: "https://c/base/",
        OTEL_EXPORTER_OTLP_PROTOCOL: "http/protobuf",
      },
      { kind: "otlp-http", url: "https://c/base/v1/traces", encoding: "protobuf" },
    ],
    [
      {
        OTEL_EXPORTER_OTLP_ENDPOINT: "http://other",
        OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "http://c/own",
        OTEL_EXPORTER_OTLP_PROTOCOL: "grpc",
        OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: "http/json",
        OTEL_EXPORTER_OTLP_HEADERS: "a=1",
        OTEL_EXPORTER_OTLP_TRACES_HEADERS: "b=%41, c=d=e,nothing",
        OTEL_EXPORTER_OTLP_TIMEOUT: "1500",
      },
      {
        kind: "otlp-http",
        url: "http://c/own",
        encoding: "json",
        headers: { b: "A", c: "d=e" },
        timeoutMs: 1500,
      },
    ],
    [
      { OTEL_EXPORTER_OTLP_ENDPOINT: "c", OTEL_EXPORTER_OTLP_TIMEOUT: "soon" },
      { timeoutMs: 10_000 },
    ],
  ])("%j", (env, wanted) => {
    expect(only(env)).toMatchObject([wanted]);
  });
  it("samples everything where it alone names a receiver, and no rate is given", () => {
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: "c" };
    expect(settings("{}", env).samplingRate).toBe(1);
    expect(settings('{ samplingRate: "" }', env).samplingRate).toBe(1);
    expect(settings('{ samplingRate: "0.5" }', env).samplingRate).toBe(0.5);
    expect(settings('{ samplingRate: "0" }', env).samplingRate).toBe(0);
    expect(settings(`{ ${http} }`, env).samplingRate).toBe(1e-4);
  });
  const file = (more: string): string => `{ otel: { protocol: http, endpointAddress: c${more} } }`;
  it.each<[string, string, Env, object, number]>([
    ["replaces its headers and timeout", ", headers: ['a=1'], timeout: 3s", {}, { a: "1" }, 3000],
    ["takes them where it has none", "", {}, { b: "2" }, 7],
    [
      "leaves them to the receiver that the environment names",
      "",
      { OTEL_EXPORTER_OTLP_ENDPOINT: "other" },
      {},
      7,
    ],
  ])("gives way to the file's endpoint, which %s", (_, more, extra, headers, timeoutMs) => {
    const env = { OTEL_EXPORTER_OTLP_HEADERS: "b=2", OTEL_EXPORTER_OTLP_TIMEOUT: "7", ...extra };
    const url = "https://c/v1/traces";
    const common = { kind: "otlp-http", encoding: "protobuf" };
    expect(only(env, file(more))).toEqual([{ ...common, url, headers, timeoutMs }]);
  });
  it("adds its headers to the file's where it names the receiver", () => {
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: "c", OTEL_EXPORTER_OTLP_HEADERS: "b=2" };
    expect(only(env, "{ otel: { headers: ['a=1'], timeout: 3s } }")).toMatchObject([
      { headers: { a: "1", b: "2" }, timeoutMs: 3000 },
    ]);
  });
  it("names the service and its attributes", () => {
    const env = { OTEL_RESOURCE_ATTRIBUTES: "service.name=shop,a=b%2Cc,broken,=x,d=%zz" };
    expect(settings("{}", env).resource).toEqual({ "service.name": "shop", a: "b,c", d: "%zz" });
    expect(settings("{}", { ...env, OTEL_SERVICE_NAME: "till" }).resource["service.name"]).toBe(
      "till",
    );
  });
  it("sets how many spans wait, and how long", () => {
    expect(
      settings("{}", {
        OTEL_BSP_SCHEDULE_DELAY: "20",
        OTEL_BSP_MAX_QUEUE_SIZE: "100",
        OTEL_BSP_MAX_EXPORT_BATCH_SIZE: "200",
      }).limits,
    ).toEqual({ delayMs: 20, maxQueue: 100, maxBatch: 100 });
    expect(settings("{}", { OTEL_BSP_SCHEDULE_DELAY: "-1" }).limits.delayMs).toBe(5000);
  });
});
