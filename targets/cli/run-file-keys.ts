/** Keys of a run file that say what a flag says, with that flag. In `common` they are for all apps. */
export const sharedKeys: Readonly<Record<string, string>> = {
  configFilePath: "config",
  appProtocol: "app-protocol",
  apiListenAddresses: "dapr-listen-addresses",
  enableProfiling: "enable-profiling",
  logLevel: "log-level",
  appMaxConcurrency: "app-max-concurrency",
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
/** Keys of one app alone. */
export const appKeys: Readonly<Record<string, string>> = {
  ...sharedKeys,
  appID: "app-id",
  daprHTTPPort: "dapr-http-port",
  daprGRPCPort: "dapr-grpc-port",
  daprInternalGRPCPort: "dapr-internal-grpc-port",
};
/** Keys that no flag stands for. */
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
  // For `dapr run -f -k`; nothing here is put into a container.
  "containerImage",
  "containerImagePullPolicy",
  "createService",
];
export const topKeys: readonly string[] = ["version", "name", "common", "apps"];
