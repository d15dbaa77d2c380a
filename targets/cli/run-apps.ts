import { setTimeout as delay } from "node:timers/promises";
import { appEnv } from "./app-env.ts";
import { type AppProcess, startProcess } from "./app-process.ts";
import type { Cli } from "./cli.ts";
import { logFatal, reasonText } from "./cli-log.ts";
import { listenForEnd } from "./ending.ts";
import type { RunConsole } from "./run-console.ts";
import { type AppPlan, planPorts } from "./run-plan.ts";
import type { BoundPorts, NodeAppOptions, NodeRuntime } from "../node/options.ts";

export interface RunOptions {
  readonly plans: readonly AppPlan[];
  readonly console: RunConsole;
  /** True: a component that cannot start ends the run. */
  readonly failOnComponentError: boolean;
  /** Time that an app has to end by itself. */
  readonly stopMs: number;
}
/** Beyond the graceful time: closing what does not want to close must not keep the process. */
const closingMs = 10_000;

/** One runtime, then its apps; ends with them. Resolves with the exit code. */
export async function runApps(options: RunOptions, cli: Cli): Promise<number> {
  const { console, plans } = options;
  const ending = listenForEnd(cli, ["SIGINT", "SIGTERM", "SIGHUP"]);
  const running = new Map<string, AppRun>();
  const offExit = cli.onExit(() => {
    for (const app of running.values()) app.kill();
  });
  let starting: Promise<NodeRuntime> | undefined;
  try {
    const apps = planPorts(plans, cli.pid);
    starting = startRuntime(apps, options, cli, (appId, force) => {
      // The answer to this very call is on its way.
      setImmediate(() => void running.get(appId)?.end(force ? 0 : options.stopMs));
    });
    const runtime = await Promise.race([starting, ending.asked.then(() => undefined)]);
    if (runtime) {
      runtime.ready.catch((reason: unknown) => {
        if (!ending.isAsked) console.log.error(`Not every app is ready: ${reasonText(reason)}`);
      });
      for (const [i, plan] of plans.entries()) {
        const ports = runtime.apps.get(plan.appId) as BoundPorts;
        running.set(plan.appId, startApp(plan, apps[i] as NodeAppOptions, ports, options, cli));
      }
      void Promise.all([...running.values()].map(({ ended }) => ended)).then((codes) =>
        ending.ask(codes.find((code) => code !== 0) ?? 0),
      );
    }
    const code = await ending.asked;
    await Promise.all([...running.values()].map((app) => app.end(options.stopMs)));
    await stopRuntime(starting, console);
    return code;
  } catch (reason) {
    logFatal(console.log, reason);
    await Promise.all([...running.values()].map((app) => app.end(options.stopMs)));
    return 1;
  } finally {
    offExit();
    ending.close();
  }
}

async function startRuntime(
  apps: readonly NodeAppOptions[],
  { console, failOnComponentError }: RunOptions,
  cli: Cli,
  shutdown: (appId: string, force: boolean) => void,
): Promise<NodeRuntime> {
  const startNode = await cli.loadStart();
  return startNode({ apps, log: console.log, env: cli.env, failOnComponentError, shutdown });
}

async function stopRuntime(starting: Promise<NodeRuntime>, { log }: RunConsole): Promise<void> {
  const done = new AbortController();
  const stopped = starting.then(
    (runtime) => runtime.stop().catch((reason: unknown) => log.error(reasonText(reason))),
    (reason: unknown) => log.warn(`The start was broken off: ${reasonText(reason)}`),
  );
  const late = delay(closingMs, "late" as const, { signal: done.signal }).catch(() => undefined);
  if ((await Promise.race([stopped, late])) === "late")
    log.error(`Not everything closed within ${closingMs} ms`);
  done.abort();
}

/** One app of the run, with or without a process. */
interface AppRun {
  /** Its exit code; 0 when it was asked to end. */
  readonly ended: Promise<number>;
  end(graceMs: number): Promise<void>;
  kill(): void;
}

function startApp(
  plan: AppPlan,
  app: NodeAppOptions,
  ports: BoundPorts,
  options: RunOptions,
  cli: Cli,
): AppRun {
  for (const [api, asked, port] of [
    ["HTTP", app.httpPort, ports.httpPort],
    ["gRPC", app.grpcPort, ports.grpcPort],
  ] as const)
    if (typeof asked !== "number" && asked.prefer !== 0 && asked.prefer !== port)
      cli.out(`Port ${asked.prefer} is taken; the ${api} API is on port ${port}\n`);
  cli.out(`App "${app.appId}": HTTP API on port ${ports.httpPort}\n`);
  if (plan.command.length === 0) {
    cli.out(`No command for app "${app.appId}": only the API is served\n`);
    const { promise, resolve } = Promise.withResolvers<number>();
    return { ended: promise, end: async () => resolve(0), kill: () => {} };
  }
  const child: AppProcess = startProcess({
    command: plan.command,
    cwd: plan.dir,
    env: appEnv(app, ports, cli.env, plan.env),
    // Only a single app can own the keyboard.
    stdin: options.plans.length === 1 ? "inherit" : "ignore",
    onLine: options.console.lineOf(plan),
  });
  let asked = false;
  const ended = child.exited.then((code) => {
    cli.out(asked ? `App "${app.appId}" ended\n` : `App "${app.appId}" exited with code ${code}\n`);
    return asked ? 0 : code;
  });
  return {
    ended,
    end: async (graceMs) => {
      asked = true;
      await child.stop(graceMs);
      await ended;
    },
    kill: () => child.kill(),
  };
}
