import { apiAddresses } from "./api-addresses.ts";
import { appEnv } from "./app-env.ts";
import { type AppProcess, startProcess } from "./app-process.ts";
import type { Cli } from "./cli.ts";
import type { Ending } from "./ending.ts";
import type { RunConsole } from "./run-console.ts";
import type { AppPlan } from "./run-plan.ts";
import { eventLines } from "./start-events.ts";
import type { BoundPorts, NodeAppOptions, StartEvent } from "#targets/node/options.ts";

/** One app of the run, with or without a process. */
export interface AppRun {
  /** Its exit code; 0 if it was asked to end. */
  readonly ended: Promise<number>;
  end(graceMs: number): Promise<void>;
  kill(): void;
  heard(event: StartEvent): void;
}
/** No message is needed for an app that ends sooner. */
export const patienceMs = 1000;

/** Starts the app's program and reports what becomes of it. */
export function startApp(
  plan: AppPlan,
  app: NodeAppOptions,
  ports: BoundPorts,
  { console, plans }: { readonly console: RunConsole; readonly plans: readonly AppPlan[] },
  ending: Ending,
  cli: Cli,
): AppRun {
  const say = (line: string): void => cli.out(`${line}\n`);
  const { appId } = app;
  // Sockets need no ports.
  const wanted =
    app.unixSocketFolder === undefined
      ? ([
          ["HTTP", app.httpPort, ports.httpPort],
          ["gRPC", app.grpcPort, ports.grpcPort],
        ] as const)
      : [];
  for (const [api, asked, port] of wanted)
    if (typeof asked !== "number" && asked.prefer !== 0 && asked.prefer !== port)
      say(`Port ${asked.prefer} is in use; the ${api} API is on port ${port}`);
  const addresses = apiAddresses(app, ports);
  const isAlone = !console.isShared;
  const at =
    app.unixSocketFolder === undefined
      ? `HTTP Port: ${ports.httpPort}. gRPC Port: ${ports.grpcPort}`
      : `HTTP API: ${addresses.http}. gRPC API: ${addresses.grpc}`;
  sayStarted(appId, at, isAlone, console.folderOf(plan), say);
  const heard = (event: StartEvent): void => say(eventLines(event, addresses));
  if (plan.command.length === 0) {
    say(`No command for app "${appId}": only the API is served`);
    const { promise, resolve } = Promise.withResolvers<number>();
    return { ended: promise, end: async () => resolve(0), kill: () => {}, heard };
  }
  const child: AppProcess = startProcess({
    command: plan.command,
    cwd: plan.dir,
    env: appEnv(app, ports, cli.env, plan.env),
    // Only a single app can own the keyboard, and only an app that runs alone can own the terminal.
    stdin: plans.length === 1 ? "inherit" : "ignore",
    output: isAlone && plan.appLog === "console" && cli.ownsOutput ? "inherit" : "lines",
    onLine: console.lineOf(plan),
  });
  if (isAlone) say("You're up and running! Both Dapr and your app logs will appear here.");
  let asked = false;
  const ended = child.exited.then((code) => {
    if (!isAlone || code !== 0)
      say(asked ? `App "${appId}" ended` : `App "${appId}" exited with code ${code}`);
    if (asked || code === 0) say("Exited App successfully");
    return asked ? 0 : code;
  });
  return {
    ended,
    end: async (graceMs) => {
      asked = true;
      const limit = `${graceMs / 1000} s`;
      const timer =
        graceMs > 0
          ? setTimeout(
              () =>
                say(
                  `Waiting up to ${limit} for app "${appId}" (process ${child.pid}) to end${ending.isAsked ? "; a second signal (Ctrl-C) kills it" : ""}`,
                ),
              patienceMs,
            )
          : undefined;
      void child.exited.then(() => clearTimeout(timer));
      if ((await child.stop(graceMs)) && graceMs > 0)
        say(`App "${appId}" did not end within ${limit} of SIGTERM and was killed`);
      await ended;
    },
    kill: () => child.kill(),
    heard: (event) => asked || heard(event),
  };
}

/** Uses the messages of Dapr's CLI, which its documentation and the tests for it quote. */
function sayStarted(
  appId: string,
  at: string,
  isAlone: boolean,
  logs: string | undefined,
  say: (line: string) => void,
): void {
  if (!isAlone) say(`Validating config and starting app "${appId}"`);
  say(
    isAlone
      ? `Starting Dapr with id ${appId}. ${at}`
      : `Started Dapr with app id "${appId}". ${at}`,
  );
  if (logs !== undefined) say(`Writing log files to directory : ${logs}`);
}
