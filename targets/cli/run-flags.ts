import { appFlags } from "./app-flags.ts";
import type { Flag } from "./flags.ts";

/** The flags of `outrigger run`, which are those of `dapr run`. */
export const runFlags: readonly Flag[] = [
  ...appFlags,
  {
    name: "dapr-http-port",
    short: "H",
    type: "port",
    about: "Port of the HTTP API; if not set, 3500 or a free port",
  },
  {
    name: "dapr-grpc-port",
    short: "G",
    type: "port",
    about: "Port of the gRPC API; if not set, 50001 or a free port",
  },
  {
    name: "dapr-internal-grpc-port",
    short: "I",
    type: "port",
    about: "Port for calls between runtimes; random if not set",
    unused: true,
  },
  {
    name: "metrics-port",
    short: "M",
    type: "port",
    about: "Port for metrics; if not set, a free port",
  },
  {
    name: "resources-path",
    short: "d",
    aliases: ["components-path"],
    type: "list",
    about:
      "Folder with resources; can be repeated. If not set, ~/.dapr/components or built-in resources",
  },
  {
    name: "run-file",
    short: "f",
    type: "text",
    about: 'Run the apps of a run file: dapr.yaml, its folder, or "-" for stdin',
  },
  {
    name: "kubernetes",
    short: "k",
    type: "boolean",
    about: "Run in Kubernetes; not supported, use the chart instead",
  },
  {
    name: "runtime-path",
    type: "text",
    about: "Folder of a Dapr installation, which Outrigger does not need",
    unused: true,
  },
];
