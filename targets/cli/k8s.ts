import { didYouMean } from "#core/util/nearest.ts";
import type { Cli } from "./cli.ts";
import { reasonText } from "./cli-log.ts";
import { listenForEnd } from "./ending.ts";
import { flagHelp } from "./flag-help.ts";
import { type Flag, type Flags, readFlags, UsageError } from "./flags.ts";
import type { K8sCommand } from "./k8s-call.ts";
import { showApps, showComponents, showLogs, showStatus } from "./k8s-show.ts";
import { parseArgs } from "./parse-args.ts";

const usage = `Usage: outrigger k8s status              Show what is wrong with Outrigger in a cluster, and how to fix it
       outrigger k8s apps                List the apps that the runtimes serve
       outrigger k8s components          List components and the nodes that they are ready on
       outrigger k8s logs <app>          Show what the runtimes logged about an app
`;

const table: readonly Flag[] = [
  { name: "help", type: "boolean", short: "h", about: "Print this help" },
  {
    name: "namespace",
    type: "text",
    short: "n",
    about: "Namespace of apps and components; all if not set",
  },
  { name: "kubeconfig", type: "text", about: "Path of a kubeconfig, instead of KUBECONFIG" },
  { name: "context", type: "text", about: "Context of the kubeconfig" },
  {
    name: "control-plane-namespace",
    type: "text",
    default: "outrigger-system",
    about: "Namespace that the chart is installed in",
  },
  {
    name: "output",
    type: "text",
    short: "o",
    default: "text",
    choices: ["text", "json"],
    about: "Output format: text or json",
  },
  {
    name: "follow",
    type: "boolean",
    short: "f",
    about: "For logs: keep printing new lines until interrupted",
  },
  {
    name: "tail",
    type: "number",
    default: "5000",
    about: "For logs: how many lines of each runtime are searched",
  },
];

const commands: ReadonlyMap<string, K8sCommand> = new Map([
  ["status", showStatus],
  ["apps", showApps],
  ["components", showComponents],
  ["logs", showLogs],
]);

/** `outrigger k8s`; resolves with the exit code: 1 where something is wrong. */
export async function k8s(args: readonly string[], cli: Cli): Promise<number> {
  try {
    const parsed = parseArgs(table, args, { restIsCommand: false, letters: true });
    const [unknown] = parsed.unknown;
    if (unknown !== undefined) {
      const known = table.map(({ name }) => name);
      throw new UsageError(
        `Unknown flag ${unknown}${didYouMean(unknown.replace(/^-+/, ""), known)}`,
      );
    }
    const flags = readFlags(table, parsed.given);
    const [name, ...rest] = parsed.rest;
    for (const flag of ["namespace", "control-plane-namespace"])
      checkNamespace(flag, flags.text(flag));
    if (flags.boolean("help")) {
      cli.out(`${usage}\n${flagHelp(table, { short: true })}`);
      return 0;
    }
    if (name === undefined)
      throw new UsageError("Specify a command: status, apps, components or logs");
    const command = commands.get(name);
    if (!command)
      throw new UsageError(`Unknown command "k8s ${name}"${didYouMean(name, commands.keys())}`);
    if (name !== "logs" && rest.length > 0)
      throw new UsageError(`"k8s ${name}" takes no argument ${JSON.stringify(rest[0])}`);
    return await runOn(command, flags, rest, cli);
  } catch (reason) {
    cli.err(`${reasonText(reason)}\n`);
    if (reason instanceof UsageError) cli.err(`${usage}See outrigger k8s --help\n`);
    return 1;
  }
}

/** The namespace becomes part of a path, so it must be a valid name. */
function checkNamespace(flag: string, text: string): void {
  if (text !== "" && !/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(text))
    throw new UsageError(
      `Invalid value ${JSON.stringify(text)} for --${flag}: expected the name of a namespace`,
    );
}

async function runOn(
  command: K8sCommand,
  flags: Flags,
  rest: readonly string[],
  cli: Cli,
): Promise<number> {
  const { findAccess } = await import("#k8s/api/access.ts");
  const { openClient } = await import("#k8s/api/open-client.ts");
  const text = (name: string): string | undefined => flags.text(name) || undefined;
  const access = await findAccess({
    kubeconfig: text("kubeconfig"),
    context: text("context"),
    env: cli.env,
  });
  await using client = openClient(access);
  const controller = new AbortController();
  const ending = listenForEnd(cli, ["SIGINT", "SIGTERM"]);
  void ending.asked.then((code) => controller.abort(new Interrupted(code)));
  try {
    const asking = { client, signal: controller.signal };
    return await command({ asking, flags, rest, cli, now: Date.now() });
  } catch (reason) {
    // This is how users stop following a log; it is not a failure.
    if (controller.signal.aborted) return flags.boolean("follow") ? 0 : 130;
    throw reason;
  } finally {
    ending.close();
  }
}

class Interrupted extends Error {
  override readonly name = "Interrupted";
  constructor(code: number) {
    super(`interrupted (${code})`);
  }
}
