import { writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Log } from "#core/ports/platform.ts";
import type { NodeAppOptions, NodeRuntime } from "#targets/node/options.ts";
import { startNode } from "#targets/node/start.ts";
import { nodeApp } from "./node-runtime.ts";
import { temporaryFile } from "./temporary-file.ts";

export interface TracedRuntime extends AsyncDisposable {
  readonly runtime: NodeRuntime;
  /** What it logged, warnings and errors. */
  readonly complaints: readonly string[];
  url(appId: string): string;
  grpcPort(appId: string): number;
}
export interface TracedApp extends Partial<NodeAppOptions> {
  /** `spec.tracing` as YAML in one line; absent: no Configuration. */
  readonly tracing?: string;
}

/** Nobody else is looked for on the network. */
const nobody = { elsewhere: "127.0.0.1:9" };

/** The Node target with apps that are traced; spans wait 20 ms for company. */
export async function tracedRuntime(
  apps: readonly TracedApp[],
  env: Readonly<Record<string, string>> = {},
): Promise<TracedRuntime> {
  const folder = dirname(temporaryFile("x"));
  const complaints: string[] = [];
  const silent = (): void => {};
  const complain = (message: string): void => void complaints.push(message);
  const log: Log = { debug: silent, info: silent, warn: complain, error: complain };
  const options = apps.map(async ({ tracing, ...app }, i) => {
    const config = join(folder, `config-${i}.yaml`);
    if (tracing !== undefined)
      await writeFile(
        config,
        `apiVersion: dapr.io/v1alpha1\nkind: Configuration\nmetadata: { name: traced }\nspec: { tracing: ${tracing}, nameResolution: { component: static, version: v1, configuration: { hosts: ${JSON.stringify(nobody)} } } }\n`,
      );
    return nodeApp({ ...app, configPaths: tracing === undefined ? [] : [config] });
  });
  const runtime = await startNode({
    apps: await Promise.all(options),
    log,
    env: { OTEL_BSP_SCHEDULE_DELAY: "20", ...env },
    failOnComponentError: true,
    shutdown: silent,
  });
  await runtime.ready;
  let stopped = false;
  return {
    runtime: {
      ...runtime,
      stop: () => {
        stopped = true;
        return runtime.stop();
      },
    },
    complaints,
    url: (appId) => `http://127.0.0.1:${runtime.apps.get(appId)?.httpPort}`,
    grpcPort: (appId) => runtime.apps.get(appId)?.grpcPort as number,
    [Symbol.asyncDispose]: async () => {
      if (!stopped) await runtime.stop().catch(silent);
    },
  };
}
