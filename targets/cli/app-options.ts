import { tokensOf } from "#core/identity/token-check.ts";
import { coordinationFlags, type WithoutCoordination } from "./coordination-flags.ts";
import { type Flags, UsageError } from "./flags.ts";
import type { NodeAppOptions } from "#targets/node/options.ts";

/** The options of an app that `sidecar`, `run` and a run file have in common. */
export type ReachOptions = Pick<
  NodeAppOptions,
  | "namespace"
  | "appPort"
  | "appProtocol"
  | "appChannelAddress"
  | "appMaxConcurrency"
  | "appHealth"
  | "listenAddresses"
  | "unixSocketFolder"
  | "configPaths"
  | "maxBodyBytes"
  | "readBufferBytes"
  | "apiTokens"
  | "appToken"
  | "apiLogging"
  | "profilePort"
  | "coordination"
>;
type Env = Readonly<Record<string, string | undefined>>;

export function reachOptions(
  flags: Flags,
  env: Env,
  withoutCoordination: WithoutCoordination,
): ReachOptions {
  const appPort = flags.number("app-port") ?? 0;
  const appToken = env["APP_API_TOKEN"];
  const folder = flags.text("unix-domain-socket");
  return {
    namespace: env["NAMESPACE"] ?? "",
    // Dapr: 0 and -1 mean that there is no port.
    ...(appPort > 0 ? { appPort } : {}),
    appProtocol: protocolOf(flags),
    appChannelAddress: flags.text("app-channel-address") || "127.0.0.1",
    appMaxConcurrency: concurrencyOf(flags),
    ...(flags.boolean("enable-app-health-check") ? { appHealth: healthOf(flags) } : {}),
    listenAddresses: flags.list("dapr-listen-addresses").map(plainAddress),
    ...(folder === "" ? {} : { unixSocketFolder: folder }),
    configPaths: flags.list("config"),
    maxBodyBytes: limitOr(
      sizeOf(flags, "max-body-size", "dapr-http-max-request-size", 1024 * 1024),
      Number.MAX_SAFE_INTEGER,
    ),
    readBufferBytes: limitOr(
      sizeOf(flags, "read-buffer-size", "dapr-http-read-buffer-size", 1024),
      goHeaderBytes,
    ),
    ...coordinationFlags(flags, env, withoutCoordination),
    apiTokens: tokensOf(env["DAPR_API_TOKEN"] ?? ""),
    ...(appToken === undefined || appToken === "" ? {} : { appToken }),
    ...(flags.given("enable-api-logging")
      ? { apiLogging: flags.boolean("enable-api-logging") }
      : {}),
    ...(flags.boolean("enable-profiling")
      ? { profilePort: flags.number("profile-port") ?? 0 }
      : {}),
  };
}

/** The limit of Go's server if none is set. */
const goHeaderBytes = 1024 * 1024;

/**
 * In bytes. The older flag applies only if the newer one is not set. -1 means the default in both.
 */
function sizeOf(flags: Flags, name: string, old: string, unit: number): number | undefined {
  const older = flags.given(name) ? -1 : (flags.number(old) ?? -1);
  return older === -1 ? flags.number(name) : older * unit;
}

/** Dapr: 0 and negative values mean no limit, except -1, which means the default. */
function limitOr(bytes: number | undefined, unlimited: number): number {
  return bytes !== undefined && bytes > 0 ? bytes : unlimited;
}

/** An address as `listen` takes it: IPv6 without brackets. */
export function plainAddress(address: string): string {
  return address.startsWith("[") && address.endsWith("]") ? address.slice(1, -1) : address;
}

/** Refuses app ids that Dapr refuses too. */
export function checkAppId(appId: string, label: string): void {
  if (appId === "") throw new UsageError(`No app id: set ${label}`);
  if (appId.includes("."))
    throw new UsageError(
      `Invalid app id ${JSON.stringify(appId)}: it must not contain a dot; change ${label}`,
    );
}

/** The app's port must differ from the runtime's ports, because one of the two would never open. */
export function checkAppPort(
  appPort: number | undefined,
  ports: ReadonlyArray<readonly [label: string, port: number | undefined]>,
): void {
  for (const [label, port] of ports)
    if (appPort !== undefined && appPort === port)
      throw new UsageError(
        `Port ${appPort} is set for both the app and ${label}; change one of them`,
      );
}

/** Dapr: 0 and negative values mean the default. */
function healthOf(flags: Flags): NonNullable<NodeAppOptions["appHealth"]> {
  const positive = (name: string, otherwise: number): number => {
    const value = flags.number(name) ?? 0;
    return value > 0 ? value : otherwise;
  };
  const path = flags.text("app-health-check-path") || "/healthz";
  return {
    path: path.startsWith("/") ? path : `/${path}`,
    intervalMs: positive("app-health-probe-interval", 5) * 1000,
    timeoutMs: positive("app-health-probe-timeout", 500),
    threshold: positive("app-health-threshold", 3),
  };
}

function protocolOf(flags: Flags): NodeAppOptions["appProtocol"] {
  const protocol = (flags.text("app-protocol") || "http") as NodeAppOptions["appProtocol"];
  if (!flags.boolean("app-ssl")) return protocol;
  if (protocol === "http") return "https";
  return protocol === "grpc" ? "grpcs" : protocol;
}

function concurrencyOf(flags: Flags): number {
  const calls = flags.number("app-max-concurrency") ?? -1;
  return calls > 0 ? calls : -1;
}
