/**
 * Keys of a run file that correspond to a flag, with that flag. In `common`, they apply to all
 * apps.
 */
export const sharedKeys: Readonly<Record<string, string>> = {
  configFilePath: "config",
  appProtocol: "app-protocol",
  apiListenAddresses: "dapr-listen-addresses",
  enableProfiling: "enable-profiling",
  logLevel: "log-level",
  appMaxConcurrency: "app-max-concurrency",
  coordination: "coordination",
  placementHostAddress: "placement-host-address",
  schedulerHostAddress: "scheduler-host-address",
  appSSL: "app-ssl",
  maxBodySize: "max-body-size",
  readBufferSize: "read-buffer-size",
  daprHTTPMaxRequestSize: "dapr-http-max-request-size",
  daprHTTPReadBufferSize: "dapr-http-read-buffer-size",
  enableAppHealthCheck: "enable-app-health-check",
  appHealthCheckPath: "app-health-check-path",
  appHealthProbeInterval: "app-health-probe-interval",
  appHealthProbeTimeout: "app-health-probe-timeout",
  appHealthThreshold: "app-health-threshold",
  enableApiLogging: "enable-api-logging",
  runtimePath: "runtime-path",
  appChannelAddress: "app-channel-address",
  appPort: "app-port",
  metricsPort: "metrics-port",
  profilePort: "profile-port",
  unixDomainSocket: "unix-domain-socket",
};
/** Keys that only apps have. */
export const appKeys: Readonly<Record<string, string>> = {
  ...sharedKeys,
  appID: "app-id",
  daprHTTPPort: "dapr-http-port",
  daprGRPCPort: "dapr-grpc-port",
  daprInternalGRPCPort: "dapr-internal-grpc-port",
};
/** Keys that do not correspond to a flag. */
export const sharedExtras: readonly string[] = [
  "resourcesPath",
  "resourcesPaths",
  "env",
  "appLogDestination",
  "daprdLogDestination",
];
export const appExtras: readonly string[] = [
  ...sharedExtras,
  "appDirPath",
  "command",
  // Used by `dapr run -f -k`; Outrigger does not build containers.
  "containerImage",
  "containerImagePullPolicy",
  "createService",
];
export const topKeys: readonly string[] = ["version", "name", "common", "apps"];
