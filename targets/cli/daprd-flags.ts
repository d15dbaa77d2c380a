import { appFlags } from "./app-flags.ts";
import type { Flag } from "./flags.ts";

/** Every flag of daprd. `outrigger sidecar` accepts all of them. */
export const daprdFlags: readonly Flag[] = [
  ...appFlags,
  { name: "dapr-http-port", type: "port", default: "3500", about: "Port of the HTTP API" },
  { name: "dapr-grpc-port", type: "port", default: "50001", about: "Port of the gRPC API" },
  {
    name: "dapr-internal-grpc-port",
    type: "port",
    about: "Port for calls between runtimes; random if not set",
  },
  {
    name: "dapr-internal-grpc-listen-address",
    type: "text",
    about: "Address that the port between runtimes listens on; all if not set",
  },
  {
    name: "dapr-public-port",
    type: "port",
    about: "Port that serves health and metadata without a token; off if not set",
  },
  {
    name: "dapr-public-listen-address",
    type: "text",
    about: "Address that the public port listens on",
  },
  {
    name: "resources-path",
    type: "list",
    about: "Folder with resources; can be repeated. If not set, none are loaded",
  },
  { name: "components-path", type: "text", about: "Deprecated: use --resources-path" },
  {
    name: "mode",
    type: "text",
    default: "standalone",
    choices: ["standalone", "kubernetes"],
    about: "Where the runtime runs: standalone or kubernetes",
  },
  {
    name: "control-plane-address",
    type: "text",
    about: "Address of Dapr's operator",
    unused: true,
  },
  {
    name: "control-plane-trust-domain",
    type: "text",
    default: "localhost",
    about: "Trust domain of the certificate authority",
  },
  {
    name: "control-plane-namespace",
    type: "text",
    default: "default",
    about: "Namespace of the certificate authority",
  },
  { name: "sentry-address", type: "text", about: "Address of the certificate authority" },
  {
    name: "sentry-request-jwt-audiences",
    type: "list",
    about: "Audiences of the JWT that is requested from Sentry",
    unused: true,
  },
  {
    name: "enable-mtls",
    type: "boolean",
    about: "Encrypt and authenticate calls between runtimes",
  },
  {
    name: "scheduler-job-streams",
    type: "number",
    default: "3",
    about: "Number of streams to Dapr's scheduler",
    unused: true,
  },
  {
    name: "actors-disseminate-timeout",
    type: "duration",
    default: "30s",
    about: "Timeout of a dissemination round of Dapr's placement service",
    unused: true,
  },
  { name: "actors-service", type: "text", about: "Not used by Dapr either", unused: true },
  {
    name: "reminders-service",
    type: "text",
    about: "Not used by Dapr either",
    unused: true,
  },
  {
    name: "allowed-origins",
    type: "text",
    about: "Origins that browsers can call from, separated by commas; * allows all",
  },
  {
    name: "dapr-graceful-shutdown-seconds",
    type: "number",
    default: "5",
    about: "Seconds for requests in flight when the process ends",
  },
  {
    name: "dapr-block-shutdown-duration",
    type: "duration",
    about: "How long the API stays up after subscriptions have stopped",
  },
  {
    name: "disable-builtin-k8s-secret-store",
    type: "boolean",
    about: "Do not provide the built-in secret store of Kubernetes mode",
  },
  {
    name: "disable-init-endpoints",
    type: "list",
    about: "Endpoints of the app that are not called: config, subscribe",
  },
  {
    name: "app-binding-options-timeout",
    type: "duration",
    default: "3s",
    about: "Timeout for asking the app whether it accepts a binding",
  },
  {
    name: "hot-reload-reconcile-interval",
    type: "duration",
    default: "0",
    about: "Interval between checks of the resources, in addition to the watch; 0 means 60s",
  },
  {
    name: "enable-metrics",
    type: "boolean",
    default: "true",
    about: "Serve Prometheus metrics",
  },
  { name: "metrics-port", type: "port", default: "9090", about: "Port for metrics" },
  {
    name: "metrics-listen-address",
    type: "text",
    default: "0.0.0.0",
    about: "Address that the metrics port listens on",
  },
  { name: "log-file", type: "text", about: "File that logs are appended to, instead of stdout" },
  { name: "wait", type: "boolean", about: "Wait until the runtime at --dapr-http-port is up" },
  { name: "version", type: "boolean", about: "Print the runtime version" },
  { name: "build-info", type: "boolean", about: "Print version and commit" },
];
