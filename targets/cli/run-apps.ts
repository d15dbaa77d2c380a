import { type AppRun, patienceMs, startApp } from "./app-run.ts";
import type { Cli } from "./cli.ts";
import { logFatal, reasonText } from "./cli-log.ts";
import { listenForEnd } from "./ending.ts";
import type { RunConsole } from "./run-console.ts";
import { type AppPlan, planPorts } from "./run-plan.ts";
import { endsWithin } from "#core/util/time-limit.ts";
import { holdingClock } from "#targets/node/clock.ts";
import type {
  BoundPorts,
  NodeAppOptions,
  NodeOptions,
  NodeRuntime,
} from "#targets/node/options.ts";

export interface RunOptions {
  readonly plans: readonly AppPlan[];
  readonly console: RunConsole;
  /** True if a component that cannot start ends the run. */
  readonly failOnComponentError: boolean;
  /** Time in milliseconds for an app to end on its own. */
  readonly stopMs: number;
}
/**
 * Time beyond the graceful period, so that anything that does not close cannot keep the process
 * alive.
 */
const closingMs = 10_000;

/** Starts one runtime and then its apps, and ends with them. Resolves with the exit code. */
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
    starting = startRuntime(apps, options, cli, {
      shutdown: (appId, force) => {
        // The response to this call is still being sent.
        setImmediate(() => void running.get(appId)?.end(force ? 0 : options.stopMs));
      },
      heard: (event) => running.get(event.appId)?.heard(event),
    });
    const runtime = await Promise.race([starting, ending.asked.then(() => undefined)]);
    if (runtime) {
      runtime.ready.catch((reason: unknown) => {
        if (!ending.isAsked) console.log.error(`Not every app is ready: ${reasonText(reason)}`);
      });
      for (const [i, plan] of plans.entries()) {
        const ports = runtime.apps.get(plan.appId) as BoundPorts;
        running.set(
          plan.appId,
          startApp(plan, apps[i] as NodeAppOptions, ports, options, ending, cli),
        );
      }
      void Promise.all([...running.values()].map(({ ended }) => ended)).then((codes) =>
        ending.ask(codes.find((code) => code !== 0) ?? 0),
      );
    }
    const code = await ending.asked;
    await Promise.all([...running.values()].map((app) => app.end(options.stopMs)));
    if (await stopRuntime(starting, console, cli)) cli.out("Exited Dapr successfully\n");
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
  told: Required<Pick<NodeOptions, "shutdown" | "heard">>,
): Promise<NodeRuntime> {
  const startNode = await cli.loadStart();
  return startNode({ apps, log: console.log, env: cli.env, failOnComponentError, ...told });
}

async function stopRuntime(
  starting: Promise<NodeRuntime>,
  { log }: RunConsole,
  cli: Cli,
): Promise<boolean> {
  let isWell = false;
  const stopped = starting.then(
    (runtime) =>
      runtime.stop().then(
        () => void (isWell = true),
        (reason: unknown) => log.error(reasonText(reason)),
      ),
    (reason: unknown) => log.warn(`Start-up was aborted: ${reasonText(reason)}`),
  );
  const timer = setTimeout(
    () => cli.out(`Waiting up to ${closingMs / 1000} s for calls in flight\n`),
    patienceMs,
  );
  if (!(await endsWithin(holdingClock, closingMs, stopped)))
    log.error(`Not everything closed within ${closingMs} ms`);
  clearTimeout(timer);
  return isWell;
}
