import { didYouMean } from "#core/util/nearest.ts";
import { checkAppId } from "./app-options.ts";
import type { Cli } from "./cli.ts";
import { coordinationNotes, coordinationTable, namespaceOf } from "./database-flags.ts";
import { type Flag, type Flags, UsageError } from "./flags.ts";
import type { JobsCall } from "./jobs-call.ts";
import { withFlags } from "./with-flags.ts";

const usage = `Usage: outrigger jobs list --app-id <app>              List the scheduled jobs of an app
       outrigger jobs get <name> --app-id <app>        Show one job
       outrigger jobs delete <name> --app-id <app>     Delete a job
       outrigger jobs run-now <name> --app-id <app>    Run a job once, now
`;
const flagTable: readonly Flag[] = [
  { name: "app-id", type: "text", short: "a", about: "App that the jobs belong to" },
  {
    name: "namespace",
    type: "text",
    short: "n",
    about: "Namespace of the app; if not set, NAMESPACE or default",
  },
  { name: "prefix", type: "text", about: "For list: only jobs whose name starts with this text" },
  { name: "limit", type: "number", about: "For list: how many jobs at most; all if not set" },
  ...coordinationTable,
];
const notes = `${coordinationNotes}
"run-now" makes a job due, and a running replica of the app takes it within about a second. A job with a schedule keeps
its next times and its repeats; a job without one is done after this run. Nothing changes if the job is running already.
`;

type Show = (call: JobsCall, name: string) => Promise<number>;
/** Those that take a name, and what they are called. */
const named = ["get", "delete", "run-now"] as const;
const names: readonly string[] = ["list", ...named];

/** `outrigger jobs`; resolves with the exit code. */
export function jobs(args: readonly string[], cli: Cli): Promise<number> {
  const help = { command: "jobs", usage, notes, table: flagTable };
  return withFlags(help, args, cli, async (flags, [command, name, more]) => {
    checkArguments(flags, command, name, more);
    const appId = flags.text("app-id");
    const app = { appId, namespace: namespaceOf(flags, cli) };
    const { listJobs, showJob, deleteJob, runJobNow } = await import("./jobs-show.ts");
    const shows: Readonly<Record<string, Show>> = {
      list: listJobs,
      get: showJob,
      delete: deleteJob,
      "run-now": runJobNow,
    };
    const show = shows[command ?? ""] ?? listJobs;
    const { withCoordination } = await import("./open-coordination.ts");
    return withCoordination(flags, cli, appId, (call) => show({ ...call, app }, name ?? ""));
  });
}

function checkArguments(
  flags: Flags,
  command: string | undefined,
  name: string | undefined,
  more: string | undefined,
): void {
  if (command === undefined)
    throw new UsageError("Specify a command: list, get, delete or run-now");
  if (!names.includes(command))
    throw new UsageError(`Unknown command "jobs ${command}"${didYouMean(command, names)}`);
  checkAppId(flags.text("app-id"), "--app-id");
  const extra = command === "list" ? name : more;
  if (extra !== undefined)
    throw new UsageError(`"jobs ${command}" takes no argument ${JSON.stringify(extra)}`);
  if (command !== "list") {
    if (!name) throw new UsageError(`Specify a job: outrigger jobs ${command} <name>`);
    for (const flag of ["prefix", "limit"])
      if (flags.given(flag)) throw new UsageError(`Flag --${flag} is for "jobs list" only`);
  }
  if (flags.given("limit") && (flags.number("limit") ?? 0) < 1)
    throw new UsageError("Invalid value for --limit: expected a number of 1 or more");
}
