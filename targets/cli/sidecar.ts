import type { Cli } from "./cli.ts";
import { levelOf, logFatal, openLog, openLogFile, reasonText } from "./cli-log.ts";
import { daprdFlags } from "./daprd-flags.ts";
import { daprdOptions } from "./daprd-options.ts";
import { type Ending, listenForEnd } from "./ending.ts";
import { flagHelp } from "./flag-help.ts";
import { type Flags, readFlags } from "./flags.ts";
import { didYouMean } from "#core/util/nearest.ts";
import { endsWithin } from "#core/util/time-limit.ts";
import { type ParsedArgs, parseArgs } from "./parse-args.ts";
import { runtimeVersion } from "#core/blocks/metadata/operations.ts";
import type { Log } from "#core/ports/platform.ts";
import { apiAddresses } from "./api-addresses.ts";
import { eventText } from "./start-events.ts";
import { holdingClock } from "#targets/node/clock.ts";
import type { NodeAppOptions, NodeRuntime, StartEvent } from "#targets/node/options.ts";

const waitMs = 60_000;
/**
 * Time beyond the configured period, so that anything that does not close cannot keep the process
 * alive.
 */
const closingMs = 5000;
const forcedMs = 100;
/** Dapr: a graceful period of 0 means that there is no limit. */
const longestTimerMs = 2 ** 31 - 1;

/**
 * `outrigger sidecar`: one app, started, called and stopped like daprd. Resolves with the exit
 * code.
 */
export async function sidecar(args: readonly string[], cli: Cli): Promise<number> {
  let parsed: ParsedArgs;
  let flags: Flags;
  try {
    parsed = parseArgs(daprdFlags, args, { restIsCommand: false, letters: false });
    flags = readFlags(daprdFlags, parsed.given);
  } catch (reason) {
    return refuse(cli, reason);
  }
  if (flags.boolean("help")) {
    cli.out(`Usage: outrigger sidecar [flags]\n\n${flagHelp(daprdFlags, { short: false })}`);
    return 0;
  }
  if (flags.boolean("version") || flags.boolean("build-info")) {
    const { buildInfo } = await import("./version.ts");
    cli.out(flags.boolean("version") ? `${runtimeVersion}\n` : buildInfo());
    return 0;
  }
  if (flags.boolean("wait")) {
    const { waitForOutbound } = await import("./wait.ts");
    return waitForOutbound(cli, flags.number("dapr-http-port") ?? 0, waitMs);
  }
  try {
    const path = flags.text("log-file");
    const file = path === "" ? undefined : openLogFile(path);
    const log = openLog({
      level: levelOf(flags.text("log-level")),
      json: flags.boolean("log-as-json"),
      ...(cli.terminal && !file ? { terminal: cli } : {}),
      appId: flags.text("app-id"),
      write: (line) => (file ? file.write(line) : cli.out(`${line}\n`)),
    });
    const code = await serve(flags, parsed, cli, log);
    file?.close();
    return code;
  } catch (reason) {
    return refuse(cli, reason);
  }
}

function refuse(cli: Cli, reason: unknown): number {
  const log = openLog({
    level: "info",
    json: false,
    terminal: cli.terminal ? cli : undefined,
    write: (line) => cli.err(`${line}\n`),
  });
  logFatal(log, reason);
  return 1;
}

async function serve(flags: Flags, parsed: ParsedArgs, cli: Cli, log: Log): Promise<number> {
  const began = performance.now();
  const ending = listenForEnd(cli, ["SIGINT", "SIGTERM"]);
  let running: NodeRuntime | undefined;
  const offReload = cli.onSignal("SIGHUP", () => {
    log.info("Received SIGHUP: reloading resources");
    void running?.reload();
  });
  let app: NodeAppOptions | undefined;
  try {
    log.info(`Starting Outrigger, Dapr API version ${runtimeVersion}`);
    warnAbout(flags, parsed, log);
    app = await withCluster(daprdOptions(flags, cli.env), flags, cli, log);
    const heard = (event: StartEvent): void => {
      const ports = running?.apps.get(event.appId);
      if (ports && app) log.info(eventText(event, apiAddresses(app, ports)));
    };
    const starting = start(app, cli, log, ending, heard);
    const runtime = await Promise.race([starting, ending.asked.then(() => undefined)]);
    if (runtime) {
      running = runtime;
      runtime.ready.then(
        () => {
          if (!ending.isAsked)
            log.info(
              `dapr initialized. Status: Running. Init Elapsed ${Math.round(performance.now() - began)}ms`,
            );
        },
        (reason: unknown) => {
          if (ending.isAsked) return;
          logFatal(log, reason);
          ending.ask(1);
        },
      );
    }
    const code = await ending.asked;
    return await finish(code, starting, app, log);
  } catch (reason) {
    logFatal(log, reason);
    return 1;
  } finally {
    await app?.documents?.close();
    offReload();
    ending.close();
  }
}

/**
 * In Kubernetes mode, the resources are those of the pod's namespace, and `--config` names one of
 * them.
 */
async function withCluster(
  app: NodeAppOptions,
  flags: Flags,
  cli: Cli,
  log: Log,
): Promise<NodeAppOptions> {
  if (flags.text("mode") !== "kubernetes") return app;
  const { clusterDocuments } = await import("#targets/kubernetes/cluster-documents.ts");
  const documents = await clusterDocuments(
    {
      namespace: app.namespace || "default",
      config: flags.list("config")[0] ?? "",
      hasBuiltInStore: !flags.boolean("disable-builtin-k8s-secret-store"),
    },
    { log, env: cli.env },
  );
  return { ...app, documents };
}

async function start(
  app: NodeAppOptions,
  cli: Cli,
  log: Log,
  ending: Ending,
  heard: (event: StartEvent) => void,
): Promise<NodeRuntime> {
  const startNode = await cli.loadStart();
  return startNode({
    apps: [app],
    log,
    env: cli.env,
    failOnComponentError: true,
    heard,
    shutdown: (_appId, force) => {
      if (force) {
        log.warn("Force shutdown requested, exiting immediately without graceful shutdown");
        setTimeout(() => cli.exit(1), forcedMs);
        return;
      }
      log.info("Shutdown requested via API");
      // The response to this call is still being sent, and stopping waits for calls in flight.
      setImmediate(() => ending.ask(0));
    },
  });
}

/**
 * Stops within the configured time, whatever hangs. It is an error if the time was too short.
 */
async function finish(
  code: number,
  starting: Promise<NodeRuntime>,
  app: NodeAppOptions,
  log: Log,
): Promise<number> {
  log.info("Shutting down; waiting for calls in flight");
  const limit =
    app.gracefulShutdownMs > 0
      ? app.gracefulShutdownMs + app.blockShutdownMs + closingMs
      : longestTimerMs;
  const stopped = starting.then(
    // If the start fails after a request to end, there is nothing left to stop.
    async (runtime) => runtime.stop(),
    (reason: unknown) => log.warn(`Start-up was aborted: ${reasonText(reason)}`),
  );
  try {
    if (!(await endsWithin(holdingClock, limit, stopped))) {
      log.error(
        `Graceful shutdown timeout exceeded, forcing shutdown: not everything closed within ${limit} ms`,
      );
      return 1;
    }
    await stopped;
  } catch (reason) {
    logFatal(log, reason);
    return 1;
  }
  log.info("Daprd shutdown gracefully");
  return code;
}

function warnAbout(flags: Flags, { unknown, rest }: ParsedArgs, log: Log): void {
  const names = daprdFlags.map(({ name }) => name);
  for (const name of unknown)
    log.warn(`Ignoring unknown flag ${name}${didYouMean(name.replace(/^-+/, ""), names)}`);
  for (const arg of rest)
    log.warn(`Ignoring argument ${JSON.stringify(arg)}; write a boolean as --flag=value`);
}
