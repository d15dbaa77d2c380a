import type { Flag } from "./flags.ts";

/** What `sidecar` and `run` both take: how an app is reached, and what its API allows. */
export const appFlags: readonly Flag[] = [
  { name: "app-id", short: "a", type: "text", about: "Id of the app" },
  { name: "app-port", short: "p", type: "port", about: "Port on which the app listens" },
  {
    name: "app-protocol",
    short: "P",
    type: "text",
    default: "http",
    choices: ["http", "https", "grpc", "grpcs", "h2c"],
    about: "Protocol that the app speaks: http, https, grpc, grpcs, h2c",
  },
  { name: "app-ssl", type: "boolean", about: "Old spelling of --app-protocol https or grpcs" },
  {
    name: "app-channel-address",
    type: "text",
    default: "127.0.0.1",
    about: "Address on which the app listens",
  },
  {
    name: "app-max-concurrency",
    type: "number",
    default: "-1",
    about: "Calls in flight to the app; -1 means no limit",
  },
  {
    name: "dapr-listen-addresses",
    type: "list",
    about: "Addresses of the API ports, with commas; all when absent",
  },
  {
    name: "config",
    short: "c",
    type: "list",
    about: "Configuration file; may be repeated, later ones override",
  },
  {
    name: "max-body-size",
    type: "quantity",
    default: "4Mi",
    about: "Largest request body, like 4Mi; 0 means no limit",
  },
  {
    name: "read-buffer-size",
    type: "quantity",
    default: "4Ki",
    about: "Largest request headers, like 4Ki",
  },
  {
    name: "dapr-http-max-request-size",
    type: "number",
    about: "Old spelling of --max-body-size, in MB",
  },
  {
    name: "dapr-http-read-buffer-size",
    type: "number",
    about: "Old spelling of --read-buffer-size, in KB",
  },
  {
    name: "enable-app-health-check",
    type: "boolean",
    about: "Ask the app whether it is healthy",
  },
  {
    name: "app-health-check-path",
    type: "text",
    default: "/healthz",
    about: "Path of the app's health",
  },
  {
    name: "app-health-probe-interval",
    type: "number",
    default: "5",
    about: "Seconds between health probes; 0 means the default",
  },
  {
    name: "app-health-probe-timeout",
    type: "number",
    default: "500",
    about: "Milliseconds until a health probe has failed; 0 means the default",
  },
  {
    name: "app-health-threshold",
    type: "number",
    default: "3",
    about: "Failed probes until the app is unhealthy; 0 means the default",
  },
  {
    name: "unix-domain-socket",
    short: "u",
    type: "text",
    about: "Folder for sockets instead of API ports",
  },
  {
    name: "enable-api-logging",
    type: "boolean",
    about: "Log each API call; wins over the Configuration",
  },
  {
    name: "enable-profiling",
    type: "boolean",
    about: "Serve CPU and heap profiles on loopback",
  },
  {
    name: "profile-port",
    type: "port",
    default: "7777",
    about: "Port of profiles",
  },
  {
    name: "placement-host-address",
    type: "text",
    about: "Address of Dapr's placement service, which nothing here needs",
    unused: true,
  },
  {
    name: "scheduler-host-address",
    type: "list",
    about: "Addresses of Dapr's scheduler, which nothing here needs",
    unused: true,
  },
  {
    name: "log-level",
    type: "text",
    default: "info",
    choices: ["debug", "info", "warn", "warning", "error", "fatal", "panic"],
    about: "debug, info, warn, error, fatal or panic",
  },
  { name: "log-as-json", type: "boolean", about: "Write logs as JSON" },
  { name: "help", short: "h", type: "boolean", about: "Print this help" },
];
