import { resolve } from "node:path";
import { generatedAppId } from "./app-name.ts";
import { checkAppId, reachOptions } from "./app-options.ts";
import type { Cli } from "./cli.ts";
import { levelOf, reasonText } from "./cli-log.ts";
import { defaultConfig, defaultResources } from "./default-resources.ts";
import { flagHelp } from "./flag-help.ts";
import { type Flags, readFlags, UsageError } from "./flags.ts";
import { misplacedFlags } from "./misplaced-flags.ts";
import { didYouMean } from "#core/util/nearest.ts";
import { type ParsedArgs, parseArgs } from "./parse-args.ts";
import { runApps } from "./run-apps.ts";
import { openConsole } from "./run-console.ts";
import { runFlags } from "./run-flags.ts";
import type { AppPlan } from "./run-plan.ts";

const usage = `Usage: outrigger run [flags] -- <command>
       outrigger run -f <dapr.yaml>
`;
/** Time in milliseconds for an app to end on its own. */
const stopMs = 10_000;
/** Flags that keep their meaning together with a run file. */
const besideRunFile = new Set(["run-file", "kubernetes", "help", "runtime-path", "log-as-json"]);

/** `outrigger run`: runs apps with the Dapr API next to them. Resolves with the exit code. */
export async function run(args: readonly string[], cli: Cli): Promise<number> {
  try {
    const parsed = parseArgs(runFlags, args, { restIsCommand: true, letters: true });
    const [unknown] = parsed.unknown;
    if (unknown !== undefined) {
      const names = runFlags.map(({ name }) => name);
      throw new UsageError(
        `Unknown flag ${unknown}${didYouMean(unknown.replace(/^-+/, ""), names)}`,
      );
    }
    const flags = readFlags(runFlags, parsed.given);
    if (flags.boolean("help")) {
      cli.out(`${usage}\n${flagHelp(runFlags, { short: true })}`);
      return 0;
    }
    if (flags.boolean("kubernetes"))
      throw new UsageError("Flag --kubernetes is not supported; run without it");
    return flags.text("run-file") === ""
      ? await runOne(flags, parsed, cli)
      : await runFile(flags, parsed, cli);
  } catch (reason) {
    if (!(reason instanceof UsageError)) throw reason;
    cli.err(`${reasonText(reason)}\n${usage}See outrigger run --help\n`);
    return 1;
  }
}

async function runOne(flags: Flags, parsed: ParsedArgs, cli: Cli): Promise<number> {
  const [program = ""] = parsed.rest;
  for (const flag of misplacedFlags(runFlags, parsed))
    cli.err(
      `${flag} comes after ${JSON.stringify(program)} and is passed to it; put flags of outrigger run before the program\n`,
    );
  const plan = await planOne(flags, parsed.rest, cli);
  const console = openConsole(
    [plan],
    { json: flags.boolean("log-as-json"), at: new Date(), isShared: false },
    cli,
  );
  try {
    return await runApps({ plans: [plan], console, failOnComponentError: true, stopMs }, cli);
  } finally {
    console.close();
  }
}

async function planOne(flags: Flags, command: readonly string[], cli: Cli): Promise<AppPlan> {
  const appId = flags.text("app-id") || generatedAppId();
  checkAppId(appId, "--app-id");
  const reach = reachOptions(flags, cli.env, "file");
  const here = (path: string): string => resolve(cli.cwd, path);
  const paths = flags.list("resources-path").map(here);
  return {
    appId,
    dir: cli.cwd,
    command,
    env: {},
    reach: {
      ...reach,
      configPaths: flags.given("config") ? reach.configPaths.map(here) : defaultConfig(cli.env),
    },
    resources:
      paths.length > 0 ? { resourcesPaths: paths } : await defaultResources(cli.env, cli.cwd),
    ...portOf(flags, "dapr-http-port", "httpPort"),
    ...portOf(flags, "dapr-grpc-port", "grpcPort"),
    ...portOf(flags, "metrics-port", "metricsPort"),
    appLog: "console",
    logLevel: levelOf(flags.text("log-level")),
  };
}

function portOf<K extends string>(flags: Flags, flag: string, key: K): Partial<Record<K, number>> {
  const port = flags.number(flag);
  return port === undefined ? {} : ({ [key]: port } as Partial<Record<K, number>>);
}

async function runFile(flags: Flags, { given, rest }: ParsedArgs, cli: Cli): Promise<number> {
  const ignored = [...given.keys()].filter((name) => !besideRunFile.has(name));
  if (ignored.length > 0)
    cli.err(`Ignoring --${ignored.join(", --")}: with --run-file, set this in the file\n`);
  if (rest.length > 0) cli.err("Ignoring the command: with --run-file, set it in the file\n");
  const { readRunFile } = await import("./run-file.ts");
  const { plans, warnings } = await readRunFile(flags.text("run-file"), cli);
  for (const warning of warnings) cli.err(`${warning}\n`);
  const console = openConsole(
    plans,
    { json: flags.boolean("log-as-json"), at: new Date(), isShared: true },
    cli,
  );
  try {
    return await runApps({ plans, console, failOnComponentError: false, stopMs }, cli);
  } finally {
    console.close();
  }
}
