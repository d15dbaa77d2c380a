import { UsageError } from "./flags.ts";
import type { ReachOptions } from "./app-options.ts";
import { checkAppPort } from "./app-options.ts";
import type { Level } from "#targets/node/log.ts";
import type { PortChoice, PortPreference } from "#targets/node/listen/listening.ts";
import type { NodeAppOptions } from "#targets/node/options.ts";

export type LogDestination = "console" | "file" | "fileAndConsole";

/** An app that `run` will start, before its ports are known. */
export interface AppPlan {
  readonly appId: string;
  /** Folder that the command runs in. Log files go to `.dapr/logs` below it. */
  readonly dir: string;
  /** Empty if only the API is served. */
  readonly command: readonly string[];
  /** Environment variables of this app only. */
  readonly env: Readonly<Record<string, string>>;
  readonly reach: ReachOptions;
  readonly resources: Pick<NodeAppOptions, "resourcesPaths" | "inlineResources">;
  readonly httpPort?: number;
  readonly grpcPort?: number;
  readonly metricsPort?: number;
  readonly appLog: LogDestination;
  readonly logLevel: Level;
  /**
   * If absent, a single app logs to the console. Several apps log to a file, and warnings and
   * errors to the console as well.
   */
  readonly runtimeLog?: LogDestination;
}
const gracefulShutdownMs = 5000;
const bindingProbeMs = 3000;

/** Dapr's default ports, for an app that runs alone. */
export const usualPorts = { http: 3500, grpc: 50_001 } as const;

/**
 * Assigns ports to each app: the configured ones, or for a single app Dapr's ports if they are free
 * when it listens, or free ones.
 */
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
          `Port ${port} is set for both ${owner} and the ${what} of "${appId}"; change one of them`,
        );
      owners.set(port, `the ${what} of "${appId}"`);
    }
  }
}

function fixed(port: PortChoice | undefined): number | undefined {
  return typeof port === "number" ? port : undefined;
}
