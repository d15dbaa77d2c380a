import { appFlags } from "./app-flags.ts";
import type { Flag } from "./flags.ts";

/** The flags of `outrigger run`: those of `dapr run`. */
export const runFlags: readonly Flag[] = [
  ...appFlags,
  {
    name: "dapr-http-port",
    short: "H",
    type: "port",
    about: "Port of the HTTP API; 3500 when that is free",
  },
  {
    name: "dapr-grpc-port",
    short: "G",
    type: "port",
    about: "Port of the gRPC API; 50001 when that is free",
  },
  {
    name: "dapr-internal-grpc-port",
    short: "I",
    type: "port",
    about: "Port between runtimes; random when absent",
    unused: true,
  },
  {
    name: "metrics-port",
    short: "M",
    type: "port",
    about: "Port of the metrics; a free one when absent",
  },
  {
    name: "resources-path",
    short: "d",
    aliases: ["components-path"],
    type: "list",
    about: "Folder of resources; may be repeated. Without it ~/.dapr/components, or built-in ones",
  },
  {
    name: "run-file",
    short: "f",
    type: "text",
    about: 'Run the apps of a dapr.yaml; a file, a folder, or "-" for stdin',
  },
  {
    name: "kubernetes",
    short: "k",
    type: "boolean",
    about: "Run in Kubernetes; not possible here, deploy with the chart instead",
  },
  {
    name: "runtime-path",
    type: "text",
    about: "Folder of a Dapr installation, which nothing here needs",
    unused: true,
  },
];
