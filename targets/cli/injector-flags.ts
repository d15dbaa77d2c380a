import { list, oneOf, port } from "./flag-values.ts";
import { UsageError } from "./flags.ts";

/** As `parseArgs` of node:util takes them. */
export const injectorFlags = {
  help: { type: "boolean", short: "h", default: false },
  port: { type: "string", default: "8443" },
  "health-port": { type: "string", default: "8080" },
  "service-name": { type: "string", default: "outrigger-injector" },
  namespace: { type: "string", default: "" },
  "webhook-name": { type: "string", default: "outrigger-injector" },
  "cert-dir": { type: "string", default: "" },
  "certificate-names": { type: "string", default: "" },
  endpoint: { type: "string", default: "node" },
  "grpc-endpoint": { type: "string", default: "" },
  "http-port": { type: "string", default: "3500" },
  "grpc-port": { type: "string", default: "50001" },
  "node-ports": { type: "string", default: "50002,3501,9090" },
  "host-ip-family": { type: "string", default: "IPv4" },
  "token-audience": { type: "string", default: "outrigger" },
  "sidecar-image": { type: "string", default: "" },
  "sidecar-image-pull-policy": { type: "string", default: "" },
  "sidecar-coordination": { type: "string", default: "actor-state-store" },
  "sentry-address": { type: "string", default: "" },
  "trust-anchors-file": { type: "string", default: "" },
  "trust-domain": { type: "string", default: "cluster.local" },
  kubeconfig: { type: "string", default: "" },
  "log-level": { type: "string", default: "info" },
  "log-as-json": { type: "boolean", default: false },
} as const;

type Values = {
  readonly [
    Name in keyof typeof injectorFlags
  ]?: (typeof injectorFlags)[Name]["type"] extends "boolean" ? boolean : string;
};

export interface InjectorFlags {
  readonly port: number;
  readonly healthPort: number;
  readonly serviceName: string;
  /** Empty if it is not known. */
  readonly namespace: string;
  readonly webhookName: string;
  readonly certDir: string;
  readonly certificateNames: readonly string[];
  readonly endpoint: string;
  readonly grpcEndpoint: string;
  readonly httpPort: number;
  readonly grpcPort: number;
  /** Other ports of the runtime on each node, besides the two above. */
  readonly nodePorts: readonly number[];
  readonly hostIpFamily: "IPv4" | "IPv6";
  readonly tokenAudience: string;
  readonly sidecarImage: string;
  readonly sidecarImagePullPolicy: string;
  /** `off` if the runtimes of nodes use a database that sidecars are not told of. */
  readonly sidecarCoordination: "actor-state-store" | "off";
  readonly sentryAddress: string;
  readonly trustAnchorsFile: string;
  readonly trustDomain: string;
  readonly kubeconfig: string;
  readonly logLevel: string;
  readonly logAsJson: boolean;
}

/** Throws a `UsageError` that tells what to change. */
export function readInjectorFlags(
  values: Values,
  env: Readonly<Record<string, string | undefined>>,
): InjectorFlags {
  const endpoint = values.endpoint ?? "";
  const grpcEndpoint = values["grpc-endpoint"] ?? "";
  if (endpoint !== "node") checkUrl("endpoint", endpoint);
  if (grpcEndpoint !== "") {
    if (endpoint === "node")
      throw new UsageError("--grpc-endpoint requires an --endpoint that is a URL, not node");
    checkUrl("grpc-endpoint", grpcEndpoint);
    // SDKs disagree about the port if the URL has none, or 80.
    if (new URL(grpcEndpoint).port === "")
      throw new UsageError(`--grpc-endpoint must have a port other than 80, not "${grpcEndpoint}"`);
  }
  const hostIpFamily = oneOf("host-ip-family", values["host-ip-family"] ?? "", ["IPv4", "IPv6"]);
  if (values["sentry-address"] !== "" && values["trust-anchors-file"] === "")
    throw new UsageError("--sentry-address requires --trust-anchors-file");
  const policy = values["sidecar-image-pull-policy"] ?? "";
  if (!["", "Always", "IfNotPresent", "Never"].includes(policy))
    throw new UsageError(
      `--sidecar-image-pull-policy must be Always, IfNotPresent or Never, not "${policy}"`,
    );
  return {
    port: port("port", values.port),
    healthPort: port("health-port", values["health-port"]),
    serviceName: required("service-name", values["service-name"]),
    namespace: values.namespace || env["POD_NAMESPACE"] || "",
    webhookName: required("webhook-name", values["webhook-name"]),
    certDir: values["cert-dir"] ?? "",
    certificateNames: list(values["certificate-names"]),
    endpoint: endpoint.replace(/\/$/, ""),
    grpcEndpoint: grpcEndpoint.replace(/\/$/, ""),
    httpPort: port("http-port", values["http-port"]),
    grpcPort: port("grpc-port", values["grpc-port"]),
    nodePorts: list(values["node-ports"]).map((text) => port("node-ports", text)),
    hostIpFamily,
    tokenAudience: required("token-audience", values["token-audience"]),
    sidecarImage: values["sidecar-image"] ?? "",
    sidecarImagePullPolicy: policy,
    sidecarCoordination: oneOf("sidecar-coordination", values["sidecar-coordination"] ?? "", [
      "actor-state-store",
      "off",
    ]),
    sentryAddress: values["sentry-address"] ?? "",
    trustAnchorsFile: values["trust-anchors-file"] ?? "",
    trustDomain: required("trust-domain", values["trust-domain"]),
    kubeconfig: values.kubeconfig ?? "",
    logLevel: values["log-level"] ?? "",
    logAsJson: values["log-as-json"] ?? false,
  };
}

/** Checks that the value is a URL without path, query, fragment and user. */
function checkUrl(flag: string, text: string): void {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (
    (url?.protocol !== "http:" && url?.protocol !== "https:") ||
    url.pathname !== "/" ||
    url.search + url.hash + url.username !== ""
  )
    throw new UsageError(
      `--${flag} must be ${flag === "endpoint" ? "node or " : ""}http://host:port, not "${text}"`,
    );
}
function required(flag: string, text: string | undefined): string {
  if (text !== undefined && text !== "") return text;
  throw new UsageError(`--${flag} must not be empty`);
}
