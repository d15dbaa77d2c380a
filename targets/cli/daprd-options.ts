import { checkAppId, checkAppPort, plainAddress, reachOptions } from "./app-options.ts";
import { type Flags, UsageError } from "./flags.ts";
import type { NodeAppOptions } from "#targets/node/options.ts";

const initEndpoints = ["config", "subscribe"];
const defaultGracefulMs = 5000;
const defaultProbeMs = 3000;

/**
 * Returns the app that daprd's flags and environment describe.
 *
 * @throws {UsageError} with a message that tells what to change.
 */
export function daprdOptions(
  flags: Flags,
  env: Readonly<Record<string, string | undefined>>,
): NodeAppOptions {
  checkAppId(flags.text("app-id"), "--app-id");
  const kubernetes = flags.text("mode") === "kubernetes";
  // A file in a pod would be another one in each pod.
  const reach = reachOptions(flags, env, kubernetes ? "store" : "asked");
  const httpPort = flags.number("dapr-http-port") ?? 0;
  const grpcPort = flags.number("dapr-grpc-port") ?? 0;
  const publicPort = flags.number("dapr-public-port");
  const metricsPort = flags.boolean("enable-metrics") ? flags.number("metrics-port") : undefined;
  checkAppPort(reach.appPort, [
    ["--dapr-http-port", httpPort],
    ["--dapr-grpc-port", grpcPort],
    ["--dapr-internal-grpc-port", flags.number("dapr-internal-grpc-port")],
    ["--dapr-public-port", publicPort],
    ["--metrics-port", metricsPort],
  ]);
  checkHealthProbe(flags);
  return {
    ...reach,
    appId: flags.text("app-id"),
    // Dapr: in Kubernetes mode `--config` names an object, not a file.
    configPaths: kubernetes ? [] : reach.configPaths,
    httpPort,
    grpcPort,
    ...(publicPort === undefined ? {} : { publicPort }),
    internalPort: flags.number("dapr-internal-grpc-port") ?? 0,
    internalAddress: plainAddress(flags.text("dapr-internal-grpc-listen-address")),
    ...(kubernetes ? { nameResolution: kubernetesNames(flags, env) } : {}),
    allowedOrigins: flags.text("allowed-origins"),
    publicListenAddresses: addressList(flags.text("dapr-public-listen-address")),
    ...(metricsPort === undefined ? {} : { metricsPort }),
    metricsListenAddresses: addressList(flags.text("metrics-listen-address")),
    resourcesPaths: resourcesOf(flags),
    ...(flags.boolean("enable-mtls")
      ? {
          mtls: {
            sentryAddress: flags.text("sentry-address"),
            controlPlaneTrustDomain: flags.text("control-plane-trust-domain"),
            controlPlaneNamespace: flags.text("control-plane-namespace"),
          },
        }
      : {}),
    reconcileMs: Math.max(0, flags.number("hot-reload-reconcile-interval") ?? 0),
    gracefulShutdownMs: gracefulOf(flags),
    blockShutdownMs: Math.max(0, flags.number("dapr-block-shutdown-duration") ?? 0),
    bindingProbeMs: positiveOr(flags.number("app-binding-options-timeout"), defaultProbeMs),
    disableInitEndpoints: initEndpointsOf(flags),
    extended: {},
  };
}

/**
 * The node's runtime knows where apps are, and accepts only mTLS. Without the runtime or without
 * mTLS, the cluster's DNS is used, as in Dapr.
 */
function kubernetesNames(
  flags: Flags,
  env: Readonly<Record<string, string | undefined>>,
): NonNullable<NodeAppOptions["nameResolution"]> {
  const node = flags.boolean("enable-mtls") ? (env["OUTRIGGER_NODE_IP"] ?? "") : "";
  const template = node.includes(":") ? `[${node}]:{{.Port}}` : `${node}:{{.Port}}`;
  return { component: "kubernetes", version: "v1", options: node === "" ? {} : { template } };
}

function addressList(address: string): readonly string[] {
  return address === "" ? [] : [plainAddress(address)];
}

function resourcesOf(flags: Flags): readonly string[] {
  const paths = flags.list("resources-path");
  const old = flags.text("components-path");
  return paths.length > 0 || old === "" ? paths : [old];
}

function gracefulOf(flags: Flags): number {
  const seconds = flags.number("dapr-graceful-shutdown-seconds") ?? -1;
  return seconds < 0 ? defaultGracefulMs : seconds * 1000;
}

function positiveOr(value: number | undefined, otherwise: number): number {
  return value !== undefined && value > 0 ? value : otherwise;
}

function initEndpointsOf(flags: Flags): readonly string[] {
  return flags.list("disable-init-endpoints").map((text) => {
    const name = text.toLowerCase();
    if (initEndpoints.includes(name)) return name;
    throw new UsageError(
      `Invalid value ${JSON.stringify(text)} for --disable-init-endpoints: expected ${initEndpoints.join(" or ")}`,
    );
  });
}

function checkHealthProbe(flags: Flags): void {
  const intervalMs = positiveOr(flags.number("app-health-probe-interval"), 5) * 1000;
  if (positiveOr(flags.number("app-health-probe-timeout"), 500) > intervalMs)
    throw new UsageError(
      "--app-health-probe-timeout (milliseconds) must not be longer than --app-health-probe-interval (seconds)",
    );
}
