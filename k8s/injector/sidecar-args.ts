import type { AnnotationValues } from "#k8s/pods/read-annotations.ts";
import type { PodSettings } from "#k8s/pods/settings.ts";
import type { SidecarOptions } from "./plan.ts";

/** Ports of the container, under Dapr's names. */
export function sidecarPorts(values: AnnotationValues): readonly unknown[] {
  const port = (name: string, containerPort: number): unknown => ({ name, containerPort });
  return [
    port("dapr-http", 3500),
    port("dapr-grpc", values.number("dapr.io/grpc-port") ?? 50_001),
    port("dapr-internal", values.number("dapr.io/internal-grpc-port") ?? 50_002),
    ...(values.boolean("dapr.io/enable-metrics")
      ? [port("dapr-metrics", values.number("dapr.io/metrics-port") ?? 9090)]
      : []),
  ];
}

/** The command line of the sidecar: `outrigger sidecar` takes daprd's flags. */
export function sidecarArgs(
  settings: PodSettings,
  values: AnnotationValues,
  options: Omit<SidecarOptions, "image" | "imagePullPolicy" | "hasNodes" | "trustAnchors"> & {
    readonly socketFolder: string;
  },
): readonly string[] {
  const text = (flag: string, value: string | number | undefined): readonly string[] =>
    // In one piece: a value may begin with "-".
    value === undefined || value === "" ? [] : [`--${flag}=${value}`];
  const yes = (flag: string, annotation: string): readonly string[] =>
    values.boolean(annotation) ? [`--${flag}`] : [];
  return [
    "sidecar",
    ...text("mode", "kubernetes"),
    ...text("app-id", settings.appId),
    ...text("app-port", settings.appPort),
    ...text("app-protocol", settings.appProtocol),
    ...text("app-channel-address", values.text("dapr.io/app-channel-address")),
    ...text("app-max-concurrency", settings.appMaxConcurrency),
    ...text("dapr-http-port", 3500),
    ...text("dapr-grpc-port", values.number("dapr.io/grpc-port") ?? 50_001),
    ...text("dapr-internal-grpc-port", values.number("dapr.io/internal-grpc-port") ?? 50_002),
    ...text("dapr-listen-addresses", values.text("dapr.io/sidecar-listen-addresses")),
    ...text("dapr-public-port", 3501),
    ...(settings.enableMetrics
      ? text("metrics-port", values.number("dapr.io/metrics-port") ?? 9090)
      : ["--enable-metrics=false"]),
    ...text("config", settings.config),
    ...text("log-level", values.text("dapr.io/log-level")),
    ...yes("log-as-json", "dapr.io/log-as-json"),
    ...yes("enable-profiling", "dapr.io/enable-profiling"),
    ...(settings.apiLogging === undefined ? [] : [`--enable-api-logging=${settings.apiLogging}`]),
    ...yes("disable-builtin-k8s-secret-store", "dapr.io/disable-builtin-k8s-secret-store"),
    ...healthArgs(settings.health, text),
    ...text("app-binding-options-timeout", `${settings.bindingProbeMs}ms`),
    ...text("disable-init-endpoints", settings.disableInitEndpoints.join(",")),
    ...bodyArgs(values, text),
    ...text("dapr-graceful-shutdown-seconds", settings.gracefulShutdownMs / 1000),
    ...(settings.blockShutdownMs === 0
      ? []
      : text("dapr-block-shutdown-duration", `${settings.blockShutdownMs}ms`)),
    ...(values.text("dapr.io/unix-domain-socket-path") === ""
      ? []
      : text("unix-domain-socket", options.socketFolder)),
    ...(options.sentryAddress === "" ? [] : ["--enable-mtls"]),
    ...text("sentry-address", options.sentryAddress),
    ...text("control-plane-trust-domain", options.trustDomain),
    ...text("control-plane-namespace", options.controlPlaneNamespace),
    // In its environment OUTRIGGER_COORDINATION counts more.
    ...(options.hasActors ? [] : text("coordination", "off")),
  ];
}

type Text = (flag: string, value: string | number | undefined) => readonly string[];

function healthArgs(health: PodSettings["health"], text: Text): readonly string[] {
  if (!health) return [];
  return [
    "--enable-app-health-check",
    ...text("app-health-check-path", health.path),
    ...text("app-health-probe-interval", health.intervalMs / 1000),
    ...text("app-health-probe-timeout", health.timeoutMs),
    ...text("app-health-threshold", health.threshold),
  ];
}

/** The older spellings count only where the newer ones are not given; the runtime sees to that. */
function bodyArgs(values: AnnotationValues, text: Text): readonly string[] {
  const given = (flag: string, annotation: string): readonly string[] =>
    values.given(annotation) ? text(flag, values.number(annotation)) : [];
  return [
    ...given("max-body-size", "dapr.io/max-body-size"),
    ...given("dapr-http-max-request-size", "dapr.io/http-max-request-size"),
    ...given("read-buffer-size", "dapr.io/read-buffer-size"),
    ...given("dapr-http-read-buffer-size", "dapr.io/http-read-buffer-size"),
  ];
}
