import { UsageError } from "./flags.ts";
import type { ReachOptions } from "./app-options.ts";
import { checkAppPort } from "./app-options.ts";
import type { Level } from "#targets/node/log.ts";
import type { PortChoice, PortPreference } from "#targets/node/listen/listening.ts";
import type { NodeAppOptions } from "#targets/node/options.ts";

export type LogDestination = "console" | "file" | "fileAndConsole";

/** An app that `run` is to start, before its ports are known. */
export interface AppPlan {
  readonly appId: string;
  /** Folder that the command runs in; `.dapr/logs` below it takes log files. */
  readonly dir: string;
  /** Empty: only the API is served. */
  readonly command: readonly string[];
  /** Of this app alone. */
  readonly env: Readonly<Record<string, string>>;
  readonly reach: ReachOptions;
  readonly resources: Pick<NodeAppOptions, "resourcesPaths" | "inlineResources">;
  readonly httpPort?: number;
  readonly grpcPort?: number;
  readonly metricsPort?: number;
  readonly appLog: LogDestination;
  readonly logLevel: Level;
  /** Absent: the console for a single app; for several a file, and what is wrong on the console too. */
  readonly runtimeLog?: LogDestination;
}
const gracefulShutdownMs = 5000;
const bindingProbeMs = 3000;

/** Dapr's own ports, for an app that runs alone. */
export const usualPorts = { http: 3500, grpc: 50_001 } as const;

/** Gives each app its ports: those asked for, else Dapr's for a single app if they are free as it listens, else free ones. */
export function planPorts(plans: readonly AppPlan[], cliPid: number): readonly NodeAppOptions[] {
  const taken = new Set<number>();
  for (const plan of plans)
    for (const port of [plan.httpPort, plan.grpcPort, plan.metricsPort, plan.reach.appPort])
      if (port !== undefined) taken.add(port);
  const free: PortPreference = { prefer: 0, avoid: taken };
  const usual = (port: number): PortPreference =>
    plans.length > 1 || taken.has(port) ? free : { prefer: port, avoid: taken };
  const apps: NodeAppOptions[] = [];
  for (const plan of plans)
    apps.push({
      ...plan.reach,
      ...plan.resources,
      appId: plan.appId,
      httpPort: plan.httpPort || usual(usualPorts.http),
      grpcPort: plan.grpcPort || usual(usualPorts.grpc),
      publicListenAddresses: [],
      metricsPort: plan.metricsPort || free,
      metricsListenAddresses: [],
      gracefulShutdownMs,
      blockShutdownMs: 0,
      bindingProbeMs,
      disableInitEndpoints: [],
      extended: {
        cliPID: String(cliPid),
        ...(plan.command.length === 0 ? {} : { appCommand: plan.command.join(" ") }),
      },
    });
  checkPorts(apps);
  return apps;
}

function checkPorts(apps: readonly NodeAppOptions[]): void {
  const owners = new Map<number, string>();
  for (const { appId, appPort, httpPort, grpcPort, metricsPort } of apps) {
    checkAppPort(appPort, [
      ["its HTTP API", fixed(httpPort)],
      ["its gRPC API", fixed(grpcPort)],
      ["its metrics", fixed(metricsPort)],
    ]);
    for (const [what, port] of [
      ["HTTP API", fixed(httpPort)],
      ["gRPC API", fixed(grpcPort)],
    ] as const) {
      if (port === undefined) continue;
      const owner = owners.get(port);
      if (owner !== undefined)
        throw new UsageError(
          `Port ${port} is given for the ${what} of "${appId}" and for ${owner}; choose another for one of them`,
        );
      owners.set(port, `the ${what} of "${appId}"`);
    }
  }
}

function fixed(port: PortChoice | undefined): number | undefined {
  return typeof port === "number" ? port : undefined;
}
