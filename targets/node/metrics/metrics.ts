import type { AppRef, Log } from "#core/ports/platform.ts";
import type { MetricSettings } from "#core/resources/metrics.ts";
import { type AppMetrics, createAppMetrics } from "#core/telemetry/app-metrics.ts";
import { shareCpu } from "#core/telemetry/cost.ts";
import { exposition } from "#core/telemetry/exposition.ts";
import { scopedLog } from "#core/telemetry/scoped-log.ts";
import { clock } from "../clock.ts";
import type { PortChoice } from "../listen/listening.ts";
import type { NodeAppOptions } from "../options.ts";
import { processMetrics } from "./process-metrics.ts";
import { orPortFault } from "../listen/port-in-use.ts";
import { type MetricsServer, serveMetrics } from "./serve-metrics.ts";

/** The metrics of a process' apps, and the ports that show them. */
export interface NodeMetrics extends AsyncDisposable {
  /** Starts to measure an app, and to show it on its port; `undefined` where it wants neither. Rejects when the port is taken. */
  open(app: NodeAppOptions, settings: MetricSettings): Promise<Measured | undefined>;
}
export interface Measured {
  readonly metrics: AppMetrics;
  readonly port: number;
}

/** Apps that name the same port share its server, which shows each of them by its `app_id`. */
interface Shared {
  readonly apps: AppMetrics[];
  readonly server: Promise<MetricsServer>;
}

export function createNodeMetrics(logs: Log): NodeMetrics {
  const log = scopedLog(logs, "dapr.metrics");
  const byPort = new Map<string, Shared>();
  const all: AppMetrics[] = [];
  let cpu = process.cpuUsage();

  /** The exposition, brought up to now. Process metrics are everybody's, so each port shows them. */
  async function* read(apps: readonly AppMetrics[]): AsyncGenerator<string> {
    const used = process.cpuUsage(cpu);
    cpu = process.cpuUsage();
    shareCpu(all, (used.user + used.system) / 1e6);
    for (const { cost } of apps) cost.show();
    yield* exposition(apps);
    yield await processMetrics();
  }
  const serverFor = (port: PortChoice, addresses: readonly string[]): Shared => {
    const isOneAsked = typeof port === "number" && port !== 0;
    const key = isOneAsked ? JSON.stringify([port, addresses]) : crypto.randomUUID();
    let shared = byPort.get(key);
    if (!shared) {
      const apps: AppMetrics[] = [];
      shared = { apps, server: serveMetrics({ port, addresses, log, read: () => read(apps) }) };
      byPort.set(key, shared);
    }
    return shared;
  };
  return {
    open: async (app, settings) => {
      if (app.metricsPort === undefined || !settings.enabled) return undefined;
      const { apps, server } = serverFor(app.metricsPort, app.metricsListenAddresses);
      const metrics = createAppMetrics({
        appId: app.appId,
        namespace: app.namespace,
        settings,
        clock,
        mistake: once((text) => log.error(text, { app_id: app.appId })),
      });
      const use = { appId: app.appId, what: "metrics", flag: "--metrics-port" };
      const { port } = await orPortFault({ ...use, port: app.metricsPort }, server);
      refuseTwice(apps, app, port);
      apps.push(metrics);
      all.push(metrics);
      log.info(`metrics server started on ${addressText(app.metricsListenAddresses)}:${port}/`, {
        app_id: app.appId,
      });
      return { metrics, port };
    },
    [Symbol.asyncDispose]: async () => {
      const servers = await Promise.allSettled([...byPort.values()].map(({ server }) => server));
      for (const result of servers)
        if (result.status === "fulfilled") await result.value[Symbol.asyncDispose]();
    },
  };
}

/** The label `app_id` would not tell them apart. */
function refuseTwice(apps: readonly AppRef[], { appId }: AppRef, port: number): void {
  if (apps.some((other) => other.appId === appId))
    throw new Error(
      `Two apps with the id "${appId}" cannot share the metrics port ${port}; give each its own`,
    );
}

/** A mistake is said once, however often it is made. */
function once(say: (text: string) => void): (text: string) => void {
  const said = new Set<string>();
  return (text) => {
    if (said.has(text)) return;
    said.add(text);
    say(text);
  };
}

function addressText([first]: readonly string[]): string {
  if (first === undefined) return "0.0.0.0";
  return first.includes(":") ? `[${first}]` : first;
}
