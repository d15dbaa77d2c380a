import { UsageError } from "./flags.ts";
import type { ReachOptions } from "./app-options.ts";
import { checkAppPort } from "./app-options.ts";
import { freePorts, isFree } from "./ports.ts";
import type { NodeAppOptions } from "../node/options.ts";

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
  /** Absent: the console for a single app; for several a file, and what is wrong on the console too. */
  readonly runtimeLog?: LogDestination;
}
const gracefulShutdownMs = 5000;
const bindingProbeMs = 3000;

/** Gives each app its ports: those asked for, else Dapr's for a single app, else free ones. `say` hears what was chosen instead of Dapr's. */
export async function planPorts(
  plans: readonly AppPlan[],
  cliPid: number,
  say: (line: string) => void,
): Promise<readonly NodeAppOptions[]> {
  const taken = new Set<number>();
  for (const plan of plans)
    for (const port of [plan.httpPort, plan.grpcPort, plan.metricsPort, plan.reach.appPort])
      if (port !== undefined) taken.add(port);
  const free = await freePorts(plans.length * 3, taken);
  const next = (): number => free.pop() as number;
  const usual = async (name: string, port: number): Promise<number> => {
    if (plans.length > 1) return next();
    if (!taken.has(port) && (await isFree(port))) return port;
    const other = next();
    say(`Port ${port} is taken; the ${name} API is on port ${other}`);
    return other;
  };
  const apps: NodeAppOptions[] = [];
  for (const plan of plans)
    apps.push({
      ...plan.reach,
      ...plan.resources,
      appId: plan.appId,
      httpPort: plan.httpPort || (await usual("HTTP", 3500)),
      grpcPort: plan.grpcPort || (await usual("gRPC", 50_001)),
      publicListenAddresses: [],
      metricsPort: plan.metricsPort || next(),
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
      ["its HTTP API", httpPort],
      ["its gRPC API", grpcPort],
      ["its metrics", metricsPort],
    ]);
    for (const [what, port] of [
      ["HTTP API", httpPort],
      ["gRPC API", grpcPort],
    ] as const) {
      const owner = owners.get(port);
      if (owner !== undefined)
        throw new UsageError(
          `Port ${port} is given for the ${what} of "${appId}" and for ${owner}; choose another for one of them`,
        );
      owners.set(port, `the ${what} of "${appId}"`);
    }
  }
}
