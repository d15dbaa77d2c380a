import { didYouMean } from "#core/util/nearest.ts";
import type { Cli } from "./cli.ts";
import { type Flag, type Flags, UsageError } from "./flags.ts";
import type { K8sCommand } from "./k8s-call.ts";
import { showApps, showComponents, showLogs, showStatus } from "./k8s-show.ts";
import { outputFlag } from "./print.ts";
import { untilInterrupted, withFlags } from "./with-flags.ts";

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
  outputFlag,
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
export function k8s(args: readonly string[], cli: Cli): Promise<number> {
  return withFlags({ command: "k8s", usage, table }, args, cli, async (flags, [name, ...rest]) => {
    for (const flag of ["namespace", "control-plane-namespace"])
      checkNamespace(flag, flags.text(flag));
    if (name === undefined)
      throw new UsageError("Specify a command: status, apps, components or logs");
    const command = commands.get(name);
    if (!command)
      throw new UsageError(`Unknown command "k8s ${name}"${didYouMean(name, commands.keys())}`);
    if (name !== "logs" && rest.length > 0)
      throw new UsageError(`"k8s ${name}" takes no argument ${JSON.stringify(rest[0])}`);
    return runOn(command, flags, rest, cli);
  });
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
  // This is how users stop following a log; it is not a failure.
  const interrupted = flags.boolean("follow") ? 0 : 130;
  return await untilInterrupted(
    cli,
    (signal) => command({ asking: { client, signal }, flags, rest, cli, now: Date.now() }),
    interrupted,
  );
}
