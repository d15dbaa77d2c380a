import { describe, expect, it } from "vitest";
import { daprdFlags } from "#targets/cli/daprd-flags.ts";
import { daprdOptions } from "#targets/cli/daprd-options.ts";
import { flagHelp } from "#targets/cli/flag-help.ts";
import { readFlags } from "#targets/cli/flags.ts";
import { parseArgs } from "#targets/cli/parse-args.ts";
import type { NodeAppOptions } from "#targets/node/options.ts";

/** Every flag that the process contract names, with a value that it may have. */
const contract: Readonly<Record<string, string>> = {
  "app-id": "a",
  "app-port": "3000",
  "app-protocol": "http",
  "app-ssl": "true",
  "app-channel-address": "127.0.0.1",
  "app-max-concurrency": "-1",
  "dapr-http-port": "3500",
  "dapr-grpc-port": "50001",
  "dapr-internal-grpc-port": "50002",
  "dapr-internal-grpc-listen-address": "127.0.0.1",
  "dapr-listen-addresses": "[::1],127.0.0.1",
  "dapr-public-port": "3501",
  "dapr-public-listen-address": "127.0.0.1",
  "metrics-port": "9090",
  "metrics-listen-address": "127.0.0.1",
  "enable-metrics": "true",
  "profile-port": "7777",
  "enable-profiling": "true",
  "resources-path": "/tmp",
  "components-path": "/tmp",
  config: "/tmp/config.yaml",
  mode: "standalone",
  "enable-mtls": "true",
  "sentry-address": "sentry:443",
  "control-plane-trust-domain": "cluster.local",
  "control-plane-namespace": "dapr-system",
  "sentry-request-jwt-audiences": "a,b",
  "control-plane-address": "operator:443",
  "placement-host-address": "localhost:50005",
  "scheduler-host-address": "localhost:50006",
  "scheduler-job-streams": "3",
  "actors-disseminate-timeout": "30s",
  "actors-service": "placement:localhost",
  "reminders-service": "x:y",
  "enable-app-health-check": "true",
  "app-health-check-path": "/healthz",
  "app-health-probe-interval": "5",
  "app-health-probe-timeout": "500",
  "app-health-threshold": "3",
  "dapr-graceful-shutdown-seconds": "5",
  "dapr-block-shutdown-duration": "10s",
  "max-body-size": "4Mi",
  "read-buffer-size": "4Ki",
  "dapr-http-max-request-size": "4",
  "dapr-http-read-buffer-size": "4",
  "log-level": "info",
  "log-as-json": "true",
  "log-file": "/tmp/x.log",
  "enable-api-logging": "true",
  "allowed-origins": "*",
  "unix-domain-socket": "/tmp",
  "disable-builtin-k8s-secret-store": "true",
  "disable-init-endpoints": "config,subscribe",
  "app-binding-options-timeout": "3s",
  "hot-reload-reconcile-interval": "60s",
  wait: "true",
  version: "true",
  "build-info": "true",
};
const booleans = Object.keys(contract).filter((name) => contract[name] === "true");

const parse = (...args: string[]) =>
  parseArgs(daprdFlags, args, { restIsCommand: false, letters: false });
const flagsOf = (...args: string[]) => readFlags(daprdFlags, parse(...args).given);
const optionsOf = (
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): NodeAppOptions => daprdOptions(flagsOf("--app-id", "a", ...args), env);

describe("daprd flags", () => {
  for (const [name, value] of Object.entries(contract)) {
    it(`--${name} is read as --flag=value, -flag=value${booleans.includes(name) ? " and bare" : ", --flag value and -flag value"}`, () => {
      const forms = booleans.includes(name)
        ? [[`--${name}=${value}`], [`-${name}=${value}`], [`--${name}`], [`-${name}`]]
        : [
            [`--${name}=${value}`],
            [`-${name}=${value}`],
            [`--${name}`, value],
            [`-${name}`, value],
          ];
      for (const form of forms) {
        const { given, unknown, rest } = parse(...form, "--app-id", "z");
        expect([given.get(name)?.[0], unknown, rest]).toEqual([value, [], []]);
        expect(() => readFlags(daprdFlags, given)).not.toThrow();
      }
    });
  }

  it("a table holds each name and alias once", () => {
    const names = daprdFlags.flatMap((flag) => [flag.name, ...(flag.aliases ?? [])]);
    expect(new Set(names).size).toBe(names.length);
  });

  it("every default can itself be read", () => {
    expect(() => flagsOf()).not.toThrow();
  });

  it("--help lists every flag", () => {
    const help = flagHelp(daprdFlags, { short: false });
    for (const name of Object.keys(contract)) expect(help).toMatch(new RegExp(`--${name}\\b`));
  });

  it("an unknown flag is set aside with its value, whatever it starts with", () => {
    const { given, unknown, rest } = parse(
      "--no-such",
      "5",
      "-custom=1",
      "--other=2",
      "--app-id",
      "a",
    );
    expect([unknown, rest, given.get("app-id")]).toEqual([
      ["--no-such", "-custom", "--other"],
      [],
      ["a"],
    ]);
  });

  it("a value may start with a dash", () => {
    expect(flagsOf("--app-max-concurrency", "-1").number("app-max-concurrency")).toBe(-1);
  });

  for (const [args, message] of [
    [["--app-port", "x"], /"x" for --app-port/],
    [["--dapr-http-port", "70000"], /"70000" for --dapr-http-port/],
    [["--enable-metrics=maybe"], /"maybe" for --enable-metrics/],
    [["--max-body-size", "4Xi"], /"4Xi" for --max-body-size/],
    [["--dapr-block-shutdown-duration", "soon"], /"soon" for --dapr-block-shutdown-duration/],
    [["--app-protocol", "smtp"], /"smtp" for --app-protocol.*http, https/],
    [["--log-level", "loud"], /"loud" for --log-level/],
    [["--app-health-threshold", "3.5"], /"3.5" for --app-health-threshold/],
    [["--app-port"], /--app-port needs a value/],
  ] as const)
    it(`a bad value is refused with the flag's name: ${args.join(" ")}`, () => {
      expect(() => flagsOf(...args)).toThrow(message);
    });
});

describe("daprd options", () => {
  it("are Dapr's defaults when only an app id is given", () => {
    expect(optionsOf([])).toEqual({
      appId: "a",
      allowedOrigins: "",
      namespace: "",
      appProtocol: "http",
      appChannelAddress: "127.0.0.1",
      appMaxConcurrency: -1,
      httpPort: 3500,
      grpcPort: 50_001,
      internalPort: 0,
      internalAddress: "",
      listenAddresses: [],
      publicListenAddresses: [],
      metricsPort: 9090,
      metricsListenAddresses: ["0.0.0.0"],
      resourcesPaths: [],
      configPaths: [],
      maxBodyBytes: 4 * 1024 * 1024,
      readBufferBytes: 4096,
      reconcileMs: 0,
      gracefulShutdownMs: 5000,
      blockShutdownMs: 0,
      bindingProbeMs: 3000,
      disableInitEndpoints: [],
      apiTokens: [],
      extended: {},
    });
  });

  it("take tokens and namespace from the environment, several tokens with commas", () => {
    const env = { DAPR_API_TOKEN: "old,new", APP_API_TOKEN: "app", NAMESPACE: "prod" };
    expect(optionsOf([], env)).toMatchObject({
      apiTokens: ["old,new", "old", "new"],
      appToken: "app",
      namespace: "prod",
    });
    const empty = optionsOf([], { DAPR_API_TOKEN: "", APP_API_TOKEN: "" });
    expect(empty.apiTokens).toEqual([]);
    expect(empty).not.toHaveProperty("appToken");
  });

  it("take lists repeated and with commas, and IPv6 addresses without brackets", () => {
    expect(
      optionsOf([
        "--resources-path",
        "/a,/b",
        "--resources-path=/c",
        "--config",
        "1.yaml",
        "--config",
        "2.yaml",
        "--dapr-listen-addresses",
        "[::1], 127.0.0.1",
      ]),
    ).toMatchObject({
      resourcesPaths: ["/a", "/b", "/c"],
      configPaths: ["1.yaml", "2.yaml"],
      listenAddresses: ["::1", "127.0.0.1"],
    });
  });

  it("use --components-path only without --resources-path", () => {
    expect(optionsOf(["--components-path", "/old"]).resourcesPaths).toEqual(["/old"]);
    expect(
      optionsOf(["--components-path", "/old", "--resources-path", "/new"]).resourcesPaths,
    ).toEqual(["/new"]);
  });

  it("read sizes as quantities, and the older flags in MB and KB", () => {
    expect(optionsOf(["--max-body-size", "1Ki", "--read-buffer-size=8Ki"])).toMatchObject({
      maxBodyBytes: 1024,
      readBufferBytes: 8192,
    });
    const old = ["--dapr-http-max-request-size", "2", "--dapr-http-read-buffer-size", "16"];
    expect(optionsOf(old)).toMatchObject({
      maxBodyBytes: 2 * 1024 * 1024,
      readBufferBytes: 16_384,
    });
    expect(optionsOf([...old, "--max-body-size", "7"]).maxBodyBytes).toBe(7);
    expect(optionsOf(["--max-body-size", "-1"]).maxBodyBytes).toBe(4 * 1024 * 1024);
    expect(optionsOf(["--max-body-size", "0"]).maxBodyBytes).toBe(Number.MAX_SAFE_INTEGER);
  });

  it("turn off what is switched off", () => {
    expect(optionsOf(["--enable-metrics=false"])).not.toHaveProperty("metricsPort");
    for (const none of ["", "0", "-1"])
      expect(optionsOf([`--app-port=${none}`])).not.toHaveProperty("appPort");
    expect(optionsOf(["--dapr-public-port", "3501"]).publicPort).toBe(3501);
    expect(optionsOf(["--dapr-public-port="])).not.toHaveProperty("publicPort");
  });

  it("read the times of ending and probing, with Dapr's defaults for nonsense", () => {
    const args = (seconds: string, probe: string) => [
      "--dapr-graceful-shutdown-seconds",
      seconds,
      "--app-binding-options-timeout",
      probe,
      "--dapr-block-shutdown-duration",
      "1m",
    ];
    expect(optionsOf(args("2", "500ms"))).toMatchObject({
      gracefulShutdownMs: 2000,
      bindingProbeMs: 500,
      blockShutdownMs: 60_000,
    });
    expect(optionsOf(args("-1", "0"))).toMatchObject({
      gracefulShutdownMs: 5000,
      bindingProbeMs: 3000,
    });
  });

  it("spell http and grpc with --app-ssl as https and grpcs", () => {
    expect(optionsOf(["--app-ssl"]).appProtocol).toBe("https");
    expect(optionsOf(["--app-ssl", "--app-protocol", "GRPC"]).appProtocol).toBe("grpcs");
  });

  for (const [what, args, message] of [
    ["no app id", ["--app-id="], /No app id/],
    ["an app id with a dot", ["--app-id", "a.b"], /must not contain a dot/],
    ["an app port that is the HTTP port", ["--app-port", "3500"], /3500 .*--dapr-http-port/],
    ["an app port that is the gRPC port", ["--app-port", "50001"], /50001 .*--dapr-grpc-port/],
    ["an app port that is the metrics port", ["--app-port", "9090"], /9090 .*--metrics-port/],
    ["an unknown init endpoint", ["--disable-init-endpoints", "all"], /"all".*config or subscribe/],
    [
      "a health probe longer than its interval",
      ["--app-health-probe-timeout", "2000", "--app-health-probe-interval", "1"],
      /must not be longer/,
    ],
  ] as const)
    it(`refuse ${what}`, () => {
      expect(() => optionsOf(args)).toThrow(message);
    });
});
