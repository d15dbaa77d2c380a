import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { annotationTable } from "#k8s/pods/annotation-table.ts";
import { type PodFacts, type PodReading, readSettings } from "#k8s/pods/annotations.ts";
import type { PodSettings } from "#k8s/pods/settings.ts";

const read = (annotations: Record<string, string>, facts?: PodFacts): PodReading =>
  readSettings(
    {
      name: "web",
      annotations: { "dapr.io/enabled": "true", "dapr.io/app-id": "web", ...annotations },
    },
    facts,
  );
const settings = (annotations: Record<string, string>): PodSettings => {
  const { settings: found, faults } = read(annotations);
  expect(faults).toEqual([]);
  return found as PodSettings;
};

const defaults: PodSettings = {
  appId: "web",
  appProtocol: "http",
  appMaxConcurrency: -1,
  config: "",
  maxBodyBytes: 4 * 1024 * 1024,
  enableMetrics: true,
  bindingProbeMs: 3000,
  disableInitEndpoints: [],
  disableBuiltinSecretStore: false,
  gracefulShutdownMs: 5000,
  blockShutdownMs: 0,
  apiTokenSecret: "",
  appTokenSecret: "",
  mode: "shared",
  isolation: "default",
};

describe("annotations as settings", () => {
  it("has Dapr's defaults", () => {
    expect(settings({})).toEqual(defaults);
  });

  it.each<[annotations: Record<string, string>, changed: Partial<PodSettings>]>([
    [{ "app-port": "8080" }, { appPort: 8080 }],
    [{ "app-port": " 8080 " }, { appPort: 8080 }],
    [{ "app-port": "65535" }, { appPort: 65_535 }],
    [{ "app-port": "0" }, {}],
    [{ "app-port": "-1" }, {}],
    [{ "app-port": "" }, {}],
    [{ "app-protocol": "gRPC" }, { appProtocol: "grpc" }],
    [{ "app-protocol": "h2c" }, { appProtocol: "h2c" }],
    [{ "app-protocol": "" }, {}],
    [{ "app-ssl": "true" }, { appProtocol: "https" }],
    [{ "app-ssl": "true", "app-protocol": "grpc" }, { appProtocol: "grpcs" }],
    [{ "app-ssl": "true", "app-protocol": "h2c" }, { appProtocol: "h2c" }],
    [{ "app-max-concurrency": "7" }, { appMaxConcurrency: 7 }],
    [{ "app-max-concurrency": "0" }, {}],
    [{ config: "tracing" }, { config: "tracing" }],
    [{ "max-body-size": "16Mi" }, { maxBodyBytes: 16 * 1024 * 1024 }],
    [{ "max-body-size": "-1" }, {}],
    [{ "max-body-size": "0" }, { maxBodyBytes: Number.MAX_SAFE_INTEGER }],
    [{ "http-max-request-size": "8" }, { maxBodyBytes: 8 * 1024 * 1024 }],
    [{ "http-max-request-size": "-1" }, {}],
    [{ "http-max-request-size": "0" }, { maxBodyBytes: Number.MAX_SAFE_INTEGER }],
    [{ "http-max-request-size": "8", "max-body-size": "1Mi" }, { maxBodyBytes: 1024 * 1024 }],
    [{ "enable-api-logging": "true" }, { apiLogging: true }],
    [{ "enable-api-logging": "false" }, { apiLogging: false }],
    [{ "enable-metrics": "false" }, { enableMetrics: false }],
    [{ "app-binding-options-timeout": "1m30s" }, { bindingProbeMs: 90_000 }],
    [{ "app-binding-options-timeout": "0" }, {}],
    [
      { "disable-init-endpoints": " Config, subscribe," },
      { disableInitEndpoints: ["config", "subscribe"] },
    ],
    [{ "disable-builtin-k8s-secret-store": "yes" }, { disableBuiltinSecretStore: true }],
    [{ "graceful-shutdown-seconds": "30" }, { gracefulShutdownMs: 30_000 }],
    [{ "graceful-shutdown-seconds": "0" }, { gracefulShutdownMs: 0 }],
    [{ "block-shutdown-duration": "2s" }, { blockShutdownMs: 2000 }],
    [
      { "api-token-secret": "api", "app-token-secret": "app" },
      { apiTokenSecret: "api", appTokenSecret: "app" },
    ],
    [
      { "enable-app-health-check": "on" },
      { health: { path: "/healthz", intervalMs: 5000, timeoutMs: 500, threshold: 3 } },
    ],
    [
      {
        "enable-app-health-check": "1",
        "app-health-check-path": "alive",
        "app-health-probe-interval": "2",
        "app-health-probe-timeout": "0",
        "app-health-threshold": "-4",
      },
      { health: { path: "/alive", intervalMs: 2000, timeoutMs: 500, threshold: 3 } },
    ],
  ])("reads %j", (annotations, changed) => {
    const named = Object.fromEntries(
      Object.entries(annotations).map(([name, value]) => [`dapr.io/${name}`, value]),
    );
    expect(settings(named)).toEqual({ ...defaults, ...changed });
  });

  it.each(["y", "yes", "true", "t", "on", "1", "TRUE", " True "])("takes %j for yes", (text) => {
    expect(readSettings({ name: "a", annotations: { "dapr.io/enabled": text } }).enabled).toBe(
      true,
    );
  });
  it.each(["n", "no", "false", "f", "off", "0", "", "ture", "2", "enabled"])(
    "takes %j for no",
    (text) => {
      const {
        enabled,
        settings: none,
        faults,
      } = readSettings({
        name: "a",
        annotations: { "dapr.io/enabled": text, "dapr.io/app-port": "nonsense" },
      });
      expect({ enabled, none, faults }).toEqual({ enabled: false, none: undefined, faults: [] });
    },
  );

  it("warns of a switch that is neither yes nor no", () => {
    const { warnings } = readSettings({ name: "a", annotations: { "dapr.io/enabled": "ture" } });
    expect(warnings).toEqual([
      { annotation: "dapr.io/enabled", message: '"ture" is read as no: write "true" or "false"' },
    ]);
  });
  it("warns of an app id without the switch", () => {
    const { warnings } = readSettings({ name: "a", annotations: { "dapr.io/app-id": "a" } });
    expect(warnings.map(({ annotation }) => annotation)).toEqual(["dapr.io/app-id"]);
  });

  it("reads ours", () => {
    expect(settings({ "outrigger.dev/mode": "sidecar" }).mode).toBe("sidecar");
    expect(settings({ "outrigger.dev/mode": "auto" }).mode).toBe("shared");
    expect(settings({ "outrigger.dev/isolation": "dedicated" }).isolation).toBe("dedicated");
  });
});

describe("annotations that cannot be used", () => {
  it.each<[name: string, value: string, message: RegExp]>([
    ["dapr.io/app-port", "80a", /^"80a" is not a port: write a number from 1 to 65535/],
    ["dapr.io/app-port", "65536", /is not a port/],
    ["dapr.io/app-port", "-2", /is not a port/],
    ["dapr.io/app-port", "8e3", /is not a port/],
    ["dapr.io/app-port", "８０", /is not a port/],
    ["dapr.io/app-protocol", "http2", /write "http" or "https" or "grpc"/],
    ["dapr.io/app-max-concurrency", "many", /whole number/],
    ["dapr.io/app-max-concurrency", "99999999999", /whole number/],
    ["dapr.io/app-id", "My App", /is not an app id: write at most 58/],
    ["dapr.io/app-id", "a".repeat(5000), /^"a{64}…" is not an app id/],
    ["dapr.io/config", "../secret", /name of an object/],
    ["dapr.io/api-token-secret", "A", /name of an object/],
    ["dapr.io/max-body-size", "big", /is not a size: write one such as "4Mi"/],
    ["dapr.io/max-body-size", "1e99999", /is not a size/],
    ["dapr.io/graceful-shutdown-seconds", "5s", /whole number/],
    ["dapr.io/graceful-shutdown-seconds", "99999999", /whole number/],
    ["dapr.io/block-shutdown-duration", "5", /is not a duration/],
    ["dapr.io/block-shutdown-duration", "9999h", /is not a duration/],
    ["dapr.io/enable-api-logging", "ture", /is not a boolean: write "true" or "false"/],
    ["dapr.io/disable-init-endpoints", "config,jobs", /write "config" or "subscribe", or several/],
    ["dapr.io/sidecar-memory-limit", "lots", /is not an amount/],
    ["dapr.io/unix-domain-socket-path", "tmp", /is not an absolute path/],
    ["dapr.io/log-level", "loud", /write "debug" or "info"/],
    ["outrigger.dev/mode", "ambient", /write "shared" or "sidecar" or "auto"/],
    ["outrigger.dev/isolation", "none", /write "default" or "dedicated"/],
  ])("refuses %s: %j", (annotation, value, message) => {
    const { settings: none, faults } = read({ [annotation]: value });
    expect(none).toBeUndefined();
    expect(faults).toEqual([{ annotation, message: expect.stringMatching(message) }]);
    expect(faults[0]?.message.length).toBeLessThan(200);
  });

  it("finds all that is wrong at once", () => {
    const { faults } = read({
      "dapr.io/app-port": "x",
      "dapr.io/config": "X",
      "outrigger.dev/mode": "x",
    });
    expect(faults.map(({ annotation }) => annotation)).toEqual([
      "dapr.io/app-port",
      "dapr.io/config",
      "outrigger.dev/mode",
    ]);
  });

  it("refuses a probe that takes longer than its interval", () => {
    const { faults } = read({
      "dapr.io/enable-app-health-check": "true",
      "dapr.io/app-health-probe-timeout": "6000",
    });
    expect(faults[0]?.message).toContain("write at most 5000");
  });

  it("says what to do where the app id comes from a name that is none", () => {
    const { faults } = readSettings({
      generateName: "a.b-",
      annotations: { "dapr.io/enabled": "true" },
      ownerReferences: [{ kind: "Job", name: "a.b", controller: true }],
    });
    expect(faults[0]?.message).toMatch(
      /^it is missing, and "a\.b", the name of the Job "a\.b", is not an app id/,
    );
  });

  it("needs a name from somewhere", () => {
    const { faults } = readSettings({ annotations: { "dapr.io/enabled": "true" } });
    expect(faults).toEqual([
      { annotation: "dapr.io/app-id", message: expect.stringContaining("write an app id") },
    ]);
  });

  it.each<[annotations: Record<string, string>, facts: PodFacts, annotation: string]>([
    [{ "outrigger.dev/isolation": "dedicated" }, { hostNetwork: true }, "outrigger.dev/isolation"],
    [{ "outrigger.dev/mode": "sidecar" }, { hostNetwork: true }, "outrigger.dev/mode"],
    [{ "dapr.io/app-port": "3500" }, { hostNetwork: true, nodePorts: [3500] }, "dapr.io/app-port"],
    [{ "dapr.io/app-port": "3501", "outrigger.dev/mode": "sidecar" }, {}, "dapr.io/app-port"],
    [
      { "dapr.io/app-port": "7000", "dapr.io/grpc-port": "7000", "outrigger.dev/mode": "sidecar" },
      {},
      "dapr.io/app-port",
    ],
  ])("refuses %j with %j", (annotations, facts, annotation) => {
    expect(read(annotations, facts).faults.map((fault) => fault.annotation)).toEqual([annotation]);
  });
  it("lets an app have the runtime's port in a network of its own", () => {
    expect(read({ "dapr.io/app-port": "3500" }, { nodePorts: [3500] }).faults).toEqual([]);
    expect(read({}, { hostNetwork: true, nodePorts: [3500] }).faults).toEqual([]);
  });
});

describe("annotations that have no effect", () => {
  const warningsOf = (annotations: Record<string, string>): readonly string[] =>
    read(annotations).warnings.map(({ annotation, message }) => `${annotation}: ${message}`);

  it("says what needs a sidecar", () => {
    expect(warningsOf({ "dapr.io/sidecar-cpu-limit": "1" })).toEqual([
      'dapr.io/sidecar-cpu-limit: it has no effect with outrigger.dev/mode "shared"',
    ]);
    expect(
      warningsOf({ "dapr.io/sidecar-cpu-limit": "1", "outrigger.dev/mode": "sidecar" }),
    ).toEqual([]);
    for (const [name, value] of [
      ["dapr.io/graceful-shutdown-seconds", "30"],
      ["dapr.io/block-shutdown-duration", "5s"],
    ] as const) {
      expect(warningsOf({ [name]: value })).toEqual([
        `${name}: it has no effect with outrigger.dev/mode "shared": the shared runtime does not end with a pod`,
      ]);
      expect(warningsOf({ [name]: value, "outrigger.dev/mode": "sidecar" })).toEqual([]);
    }
  });
  it("says what nothing needs", () => {
    expect(warningsOf({ "dapr.io/placement-host-address": "x:1" })[0]).toContain(
      "it has no effect",
    );
  });
  it.each([
    ["dapr.io/app_port", 'did you mean "dapr.io/app-port"?'],
    ["dapr.io/App-Id", 'did you mean "dapr.io/app-id"?'],
    ["outrigger.dev/app-port", 'did you mean "dapr.io/app-port"?'],
    ["outrigger.dev/mod", 'did you mean "outrigger.dev/mode"?'],
    ["outrigger.dev/max-concurrent-calls", "write it on the Configuration"],
  ])("knows what %s was to be", (name, text) => {
    expect(warningsOf({ [name]: "1" })[0]).toContain(text);
  });
  it("leaves what is not ours alone, and does not go on for ever", () => {
    expect(warningsOf({ "example.com/dapr.io": "1", "dapr.iox/y": "1" })).toEqual([]);
    const many = Object.fromEntries(
      Array.from({ length: 500 }, (_, i) => [`dapr.io/zzz${i}zzzzz`, "1"]),
    );
    expect(warningsOf(many).length).toBe(10);
  });
  it("says which app id was taken", () => {
    const { warnings } = readSettings({ name: "web", annotations: { "dapr.io/enabled": "true" } });
    expect(warnings[0]?.message).toBe('it is missing: the app id is "web", after the pod');
  });
});

describe("any annotation", () => {
  it("never throws, and gives settings or faults", () => {
    const name = fc.oneof(
      fc.constantFrom(...annotationTable.map((row) => row.name)),
      fc.string().map((text) => `dapr.io/${text}`),
      fc.constantFrom("__proto__", "constructor", "toString"),
    );
    const value = fc.oneof(
      fc.string(),
      fc.constantFrom("true", "1", "-1", "5s", "4Mi", "a,b", "a=b,c", "grpc", "[]"),
      fc.double().map(String),
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(name, value)), fc.boolean(), (pairs, hostNetwork) => {
        const annotations = Object.fromEntries([...pairs, ["dapr.io/enabled", "true"]]);
        const reading = readSettings({ name: "web", annotations }, { hostNetwork });
        expect(reading.settings !== undefined).toBe(reading.faults.length === 0);
        if (reading.settings)
          expect(JSON.parse(JSON.stringify(reading.settings))).toEqual(reading.settings);
      }),
    );
  });
});
