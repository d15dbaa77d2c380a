import type { Flag } from "./flags.ts";

/** Flags that `sidecar` and `run` share: how to reach an app, and what its API allows. */
export const appFlags: readonly Flag[] = [
  { name: "app-id", short: "a", type: "text", about: "Id of the app" },
  { name: "app-port", short: "p", type: "port", about: "Port that the app listens on" },
  {
    name: "app-protocol",
    short: "P",
    type: "text",
    default: "http",
    choices: ["http", "https", "grpc", "grpcs", "h2c"],
    about: "Protocol of the app: http, https, grpc, grpcs or h2c",
  },
  { name: "app-ssl", type: "boolean", about: "Deprecated: use --app-protocol https or grpcs" },
  {
    name: "app-channel-address",
    type: "text",
    default: "127.0.0.1",
    about: "Address that the app listens on",
  },
  {
    name: "app-max-concurrency",
    type: "number",
    default: "-1",
    about: "Maximum number of calls in flight to the app; -1 means no limit",
  },
  {
    name: "dapr-listen-addresses",
    type: "list",
    about: "Addresses that the APIs listen on, separated by commas; all if not set",
  },
  {
    name: "config",
    short: "c",
    type: "list",
    about: "Configuration file; can be repeated, later files override earlier ones",
  },
  {
    name: "max-body-size",
    type: "quantity",
    default: "4Mi",
    about: "Maximum size of a request body, such as 4Mi; 0 means no limit",
  },
  {
    name: "read-buffer-size",
    type: "quantity",
    default: "4Ki",
    about: "Maximum size of the request headers, such as 4Ki",
  },
  {
    name: "dapr-http-max-request-size",
    type: "number",
    about: "Deprecated: use --max-body-size; in MB",
  },
  {
    name: "dapr-http-read-buffer-size",
    type: "number",
    about: "Deprecated: use --read-buffer-size; in KB",
  },
  {
    name: "enable-app-health-check",
    type: "boolean",
    about: "Probe the health of the app",
  },
  {
    name: "app-health-check-path",
    type: "text",
    default: "/healthz",
    about: "Path of the app's health endpoint",
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
    about: "Timeout of a health probe in milliseconds; 0 means the default",
  },
  {
    name: "app-health-threshold",
    type: "number",
    default: "3",
    about: "Failed probes in a row until the app is unhealthy; 0 means the default",
  },
  {
    name: "unix-domain-socket",
    short: "u",
    type: "text",
    about: "Folder for Unix sockets that replace the API ports",
  },
  {
    name: "enable-api-logging",
    type: "boolean",
    about: "Log each API call; overrides the Configuration",
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
    about: "Port for profiles",
  },
  {
    name: "coordination",
    type: "text",
    about:
      "Where owners of actors, reminders and jobs are kept: off, or a driver and its connection (sqlite:FILE, redis:HOST:PORT, redis://USER:PASSWORD@HOST:PORT, postgresql:CONNECTION-STRING, mysql:CONNECTION-STRING); without it the actor state store, or a file of this user. The environment variable OUTRIGGER_COORDINATION overrides it",
  },
  {
    name: "placement-host-address",
    type: "text",
    about:
      "Turns actors on, as the address of Dapr's placement service does; runtimes with the same address are one group",
  },
  {
    name: "scheduler-host-address",
    type: "list",
    about: "Turns jobs on, as the addresses of Dapr's scheduler do",
  },
  {
    name: "log-level",
    type: "text",
    default: "info",
    choices: ["debug", "info", "warn", "warning", "error", "fatal", "panic"],
    about: "Log level: debug, info, warn, error, fatal or panic",
  },
  { name: "log-as-json", type: "boolean", about: "Write logs as JSON" },
  { name: "help", short: "h", type: "boolean", about: "Print this help" },
];
