/** How an annotation's text is read; `port`: 0 or -1 is none; `name`: of a Kubernetes object; `amount`: of CPU or memory. */
export type AnnotationType =
  | "text"
  | "boolean"
  | "integer"
  | "port"
  | "duration"
  | "bytes"
  | "amount"
  | "list"
  | "name"
  | "path";

export interface AnnotationRow {
  readonly name: string;
  readonly type: AnnotationType;
  /** As it would be written; absent means that nothing is set. */
  readonly default?: string;
  /** Read in any letter case. */
  readonly choices?: readonly string[];
  /** Of an integer; default: what 32 bits hold. */
  readonly most?: number;
  /** `app`: in every mode; `sidecar`: only where the pod has a sidecar; `nothing`: taken since Dapr has it. */
  readonly use: "app" | "sidecar" | "nothing";
  /** Said with the warning about what has no effect. */
  readonly instead?: string;
}

/** Seconds that a timer can wait. */
const mostSeconds = 2_147_483;
const noPlacement = "nothing here needs Dapr's placement or scheduler";
const nodeStays = "the shared runtime does not end with a pod";
const nodeLogs = "the shared runtime's own log level counts";

/** Every annotation of Dapr's injector, with Dapr's defaults, and ours. */
export const annotationTable: readonly AnnotationRow[] = [
  { name: "dapr.io/enabled", type: "boolean", use: "app" },
  { name: "dapr.io/app-id", type: "text", use: "app" },
  { name: "dapr.io/app-port", type: "port", use: "app" },
  {
    name: "dapr.io/app-protocol",
    type: "text",
    default: "http",
    choices: ["http", "https", "grpc", "grpcs", "h2c"],
    use: "app",
  },
  { name: "dapr.io/app-ssl", type: "boolean", use: "app" },
  { name: "dapr.io/app-max-concurrency", type: "integer", default: "-1", use: "app" },
  { name: "dapr.io/config", type: "name", use: "app" },
  { name: "dapr.io/api-token-secret", type: "name", use: "app" },
  { name: "dapr.io/app-token-secret", type: "name", use: "app" },
  { name: "dapr.io/max-body-size", type: "bytes", default: "4Mi", use: "app" },
  { name: "dapr.io/http-max-request-size", type: "integer", most: 8_388_607, use: "app" },
  { name: "dapr.io/enable-api-logging", type: "boolean", use: "app" },
  { name: "dapr.io/enable-metrics", type: "boolean", default: "true", use: "app" },
  { name: "dapr.io/disable-builtin-k8s-secret-store", type: "boolean", use: "app" },
  { name: "dapr.io/enable-app-health-check", type: "boolean", use: "app" },
  { name: "dapr.io/app-health-check-path", type: "text", default: "/healthz", use: "app" },
  {
    name: "dapr.io/app-health-probe-interval",
    type: "integer",
    default: "5",
    most: mostSeconds,
    use: "app",
  },
  { name: "dapr.io/app-health-probe-timeout", type: "integer", default: "500", use: "app" },
  { name: "dapr.io/app-health-threshold", type: "integer", default: "3", use: "app" },
  { name: "dapr.io/app-binding-options-timeout", type: "duration", default: "3s", use: "app" },
  {
    name: "dapr.io/disable-init-endpoints",
    type: "list",
    choices: ["config", "subscribe"],
    use: "app",
  },

  {
    name: "dapr.io/app-channel-address",
    type: "text",
    use: "sidecar",
    instead: "the app is called at its pod's address",
  },
  { name: "dapr.io/grpc-port", type: "port", default: "50001", use: "sidecar" },
  { name: "dapr.io/internal-grpc-port", type: "port", default: "50002", use: "sidecar" },
  { name: "dapr.io/metrics-port", type: "port", default: "9090", use: "sidecar" },
  {
    name: "dapr.io/sidecar-listen-addresses",
    type: "text",
    default: "[::1],127.0.0.1",
    use: "sidecar",
  },
  {
    name: "dapr.io/graceful-shutdown-seconds",
    type: "integer",
    default: "-1",
    most: mostSeconds,
    use: "sidecar",
    instead: nodeStays,
  },
  {
    name: "dapr.io/block-shutdown-duration",
    type: "duration",
    use: "sidecar",
    instead: nodeStays,
  },
  { name: "dapr.io/read-buffer-size", type: "bytes", use: "sidecar" },
  { name: "dapr.io/http-read-buffer-size", type: "integer", most: 8_388_607, use: "sidecar" },
  { name: "dapr.io/unix-domain-socket-path", type: "path", use: "sidecar" },
  { name: "dapr.io/enable-profiling", type: "boolean", use: "sidecar" },
  {
    name: "dapr.io/log-level",
    type: "text",
    default: "info",
    choices: ["debug", "info", "warn", "warning", "error", "fatal", "panic"],
    use: "sidecar",
    instead: nodeLogs,
  },
  { name: "dapr.io/log-as-json", type: "boolean", use: "sidecar", instead: nodeLogs },
  { name: "dapr.io/env", type: "text", use: "sidecar" },
  { name: "dapr.io/env-from-secret", type: "text", use: "sidecar" },
  { name: "dapr.io/sidecar-cpu-request", type: "amount", use: "sidecar" },
  { name: "dapr.io/sidecar-cpu-limit", type: "amount", use: "sidecar" },
  { name: "dapr.io/sidecar-memory-request", type: "amount", use: "sidecar" },
  { name: "dapr.io/sidecar-memory-limit", type: "amount", use: "sidecar" },
  ...probeRows("liveness", "180", "3", "10"),
  ...probeRows("readiness", "1", "1", "1"),
  { name: "dapr.io/sidecar-image", type: "text", use: "sidecar" },
  {
    name: "dapr.io/sidecar-seccomp-profile-type",
    type: "text",
    choices: ["RuntimeDefault", "Unconfined"],
    use: "sidecar",
  },
  { name: "dapr.io/volume-mounts", type: "text", use: "sidecar" },
  { name: "dapr.io/volume-mounts-rw", type: "text", use: "sidecar" },
  { name: "dapr.io/pluggable-components", type: "list", use: "sidecar" },
  { name: "dapr.io/pluggable-components-sockets-folder", type: "path", use: "sidecar" },

  {
    name: "dapr.io/enable-native-sidecar",
    type: "boolean",
    use: "nothing",
    instead: "a sidecar is always a native one here",
  },
  {
    name: "dapr.io/inject-pluggable-components",
    type: "boolean",
    use: "nothing",
    instead:
      "write the component's container into the pod, and its name into dapr.io/pluggable-components",
  },
  {
    name: "dapr.io/component-container",
    type: "text",
    use: "nothing",
    instead: "it belongs to a Component",
  },
  {
    name: "dapr.io/sidecar-svc-annotations",
    type: "text",
    use: "nothing",
    instead: "no Service is made for an app",
  },
  {
    name: "dapr.io/enable-debug",
    type: "boolean",
    use: "nothing",
    instead: "the runtime is not a Go program",
  },
  { name: "dapr.io/debug-port", type: "port", use: "nothing" },
  { name: "dapr.io/sentry-request-jwt-audiences", type: "text", use: "nothing" },
  { name: "dapr.io/placement-host-address", type: "text", use: "nothing", instead: noPlacement },
  { name: "dapr.io/scheduler-host-address", type: "text", use: "nothing", instead: noPlacement },
  {
    name: "dapr.io/actors-disseminate-timeout",
    type: "duration",
    use: "nothing",
    instead: noPlacement,
  },

  {
    name: "outrigger.dev/mode",
    type: "text",
    default: "auto",
    choices: ["shared", "sidecar", "auto"],
    use: "app",
  },
  {
    name: "outrigger.dev/isolation",
    type: "text",
    default: "default",
    choices: ["default", "dedicated"],
    use: "app",
  },
  // Written by the injector, whatever stood there.
  { name: "outrigger.dev/token-sha256", type: "text", use: "app" },
  { name: "outrigger.dev/injected", type: "text", use: "app" },
];

/** Annotations that Outrigger reads elsewhere: on a Configuration. */
export const configurationAnnotations: readonly string[] = [
  "outrigger.dev/max-concurrent-calls",
  "outrigger.dev/max-body-bytes-in-flight",
  "outrigger.dev/max-open-streams",
  "outrigger.dev/max-loop-ms-per-second",
];

function probeRows(
  probe: "liveness" | "readiness",
  delay: string,
  timeout: string,
  period: string,
): readonly AnnotationRow[] {
  const row = (end: string, value: string): AnnotationRow => ({
    name: `dapr.io/sidecar-${probe}-probe-${end}`,
    type: "integer",
    default: value,
    use: "sidecar",
  });
  return [
    row("delay-seconds", delay),
    row("timeout-seconds", timeout),
    row("period-seconds", period),
    row("threshold", "5"),
  ];
}
