import type { EnvVar } from "#k8s/api/objects.ts";
import { outriggerAnnotations, type PodSettings } from "#k8s/pods/settings.ts";
import type { ContainerPlan, InjectionPlan, InjectorOptions, Volume } from "./plan.ts";
import type { PodToken } from "./token.ts";

/** Where the containers find the projected service-account token. */
export const tokenFolder = "/var/run/secrets/outrigger.dev/token";
export const tokenVolumeName = "outrigger-token";
const tokenSeconds = 3600;
const hostIp = "OUTRIGGER_HOST_IP";

/** Mode `shared`: environment, a token, and nothing that runs. */
export function sharedPlan(
  settings: PodSettings,
  { token, hash }: PodToken,
  options: InjectorOptions,
): InjectionPlan {
  const every: ContainerPlan = {
    env: [
      ...endpointEnv(options),
      { name: "DAPR_API_TOKEN", value: token },
      ...appEnv(settings),
      { name: "OUTRIGGER_TOKEN_FILE", value: `${tokenFolder}/token` },
    ],
    forced: new Set(["DAPR_API_TOKEN"]),
    mounts: [{ name: tokenVolumeName, mountPath: tokenFolder, readOnly: true }],
  };
  return {
    labels: podLabels(settings),
    annotations: {
      "dapr.io/app-id": settings.appId,
      [outriggerAnnotations.tokenHash]: hash,
      [outriggerAnnotations.injected]: "shared",
    },
    container: () => every,
    volumes: [tokenVolume(options.tokenAudience)],
  };
}

/** As Dapr's injector sets them; the app id is written down so that it can be selected by. */
export function podLabels({ appId, enableMetrics }: PodSettings): Readonly<Record<string, string>> {
  return {
    "dapr.io/sidecar-injected": "true",
    "dapr.io/app-id": appId,
    "dapr.io/metrics-enabled": String(enableMetrics),
    "outrigger.dev/app-id": appId,
  };
}

/** What an app asks about itself, in either mode. */
export function appEnv({ appId, appPort, appProtocol }: PodSettings): readonly EnvVar[] {
  return [
    { name: "APP_ID", value: appId },
    ...(appPort === undefined ? [] : [{ name: "APP_PORT", value: String(appPort) }]),
    { name: "APP_PROTOCOL", value: appProtocol },
    fieldEnv("NAMESPACE", "metadata.namespace"),
    fieldEnv("POD_NAME", "metadata.name"),
  ];
}

export function fieldEnv(name: string, fieldPath: string): EnvVar {
  // `apiVersion` is what the server adds: without it a second look would see a difference.
  return { name, valueFrom: { fieldRef: { apiVersion: "v1", fieldPath } } };
}

/**
 * Every official SDK takes `http://host:port` of both: .NET takes nothing but a URL, and the others read a bare
 * `host:port` as gRPC's own spelling, each a little differently.
 */
function endpointEnv(options: InjectorOptions): readonly EnvVar[] {
  const { endpoint, hostIpFamily, httpPort, grpcPort } = options;
  if (endpoint !== "node") {
    const grpc = options.grpcEndpoint ?? withPort(endpoint, grpcPort);
    return [
      { name: "DAPR_HTTP_ENDPOINT", value: endpoint },
      { name: "DAPR_GRPC_ENDPOINT", value: grpc },
      { name: "DAPR_HTTP_PORT", value: portOf(endpoint) },
      { name: "DAPR_GRPC_PORT", value: portOf(grpc) },
    ];
  }
  const host = hostIpFamily === "IPv6" ? `[$(${hostIp})]` : `$(${hostIp})`;
  return [
    fieldEnv(hostIp, "status.hostIP"),
    { name: "DAPR_HTTP_ENDPOINT", value: `http://${host}:${httpPort}` },
    { name: "DAPR_GRPC_ENDPOINT", value: `http://${host}:${grpcPort}` },
    { name: "DAPR_HTTP_PORT", value: String(httpPort) },
    { name: "DAPR_GRPC_PORT", value: String(grpcPort) },
  ];
}

function withPort(endpoint: string, port: number): string {
  const url = new URL(endpoint);
  return `${url.protocol}//${url.hostname}:${port}`;
}
function portOf(endpoint: string): string {
  const { port, protocol } = new URL(endpoint);
  if (port !== "") return port;
  return protocol === "https:" ? "443" : "80";
}

export function tokenVolume(audience: string): Volume {
  return {
    name: tokenVolumeName,
    projected: {
      sources: [
        { serviceAccountToken: { audience, expirationSeconds: tokenSeconds, path: "token" } },
      ],
    },
  };
}
