import { appFlags } from "./app-flags.ts";
import type { Flag } from "./flags.ts";

/** Every flag that daprd takes. `outrigger sidecar` takes them all. */
export const daprdFlags: readonly Flag[] = [
  ...appFlags,
  { name: "dapr-http-port", type: "port", default: "3500", about: "Port of the HTTP API" },
  { name: "dapr-grpc-port", type: "port", default: "50001", about: "Port of the gRPC API" },
  {
    name: "dapr-internal-grpc-port",
    type: "port",
    about: "Port between runtimes; random when absent",
  },
  {
    name: "dapr-internal-grpc-listen-address",
    type: "text",
    about: "Address of the port between runtimes; all when absent",
  },
  {
    name: "dapr-public-port",
    type: "port",
    about: "Port for health and metadata without a token; off when absent",
  },
  {
    name: "dapr-public-listen-address",
    type: "text",
    about: "Address of the public port",
  },
  {
    name: "resources-path",
    type: "list",
    about: "Folder of resources; may be repeated. Without it none are loaded",
  },
  { name: "components-path", type: "text", about: "Old spelling of --resources-path" },
  {
    name: "mode",
    type: "text",
    default: "standalone",
    choices: ["standalone", "kubernetes"],
    about: "standalone or kubernetes",
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
    about: "Audiences of the identity that Sentry gives",
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
    about: "Streams to Dapr's scheduler",
    unused: true,
  },
  {
    name: "actors-disseminate-timeout",
    type: "duration",
    default: "30s",
    about: "Longest round of Dapr's placement",
    unused: true,
  },
  { name: "actors-service", type: "text", about: "Has no effect in Dapr either", unused: true },
  {
    name: "reminders-service",
    type: "text",
    about: "Has no effect in Dapr either",
    unused: true,
  },
  {
    name: "allowed-origins",
    type: "text",
    about: "Origins that browsers may call from, separated by commas; * for all",
  },
  {
    name: "dapr-graceful-shutdown-seconds",
    type: "number",
    default: "5",
    about: "Time for requests in flight when the process ends",
  },
  {
    name: "dapr-block-shutdown-duration",
    type: "duration",
    about: "Time that the API stays up after subscriptions have stopped",
  },
  {
    name: "disable-builtin-k8s-secret-store",
    type: "boolean",
    about: "Leave out the secret store of Kubernetes mode",
    unused: true,
  },
  {
    name: "disable-init-endpoints",
    type: "list",
    about: "Endpoints of the app that are not asked for: config, subscribe",
  },
  {
    name: "app-binding-options-timeout",
    type: "duration",
    default: "3s",
    about: "Longest wait for the app to say whether it wants a binding",
  },
  {
    name: "hot-reload-reconcile-interval",
    type: "duration",
    default: "0",
    about: "Time between checks of the resources, in addition to the watch; 0 means 60s",
  },
  {
    name: "enable-metrics",
    type: "boolean",
    default: "true",
    about: "Serve metrics for Prometheus",
  },
  { name: "metrics-port", type: "port", default: "9090", about: "Port of the metrics" },
  {
    name: "metrics-listen-address",
    type: "text",
    default: "0.0.0.0",
    about: "Address of the metrics",
  },
  { name: "log-file", type: "text", about: "File to which logs are appended, instead of stdout" },
  { name: "wait", type: "boolean", about: "Wait until the runtime at --dapr-http-port is up" },
  { name: "version", type: "boolean", about: "Print the runtime version" },
  { name: "build-info", type: "boolean", about: "Print version and commit" },
];
