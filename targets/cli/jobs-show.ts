import { type JobOwner, jobKey, jobQueue } from "#core/blocks/jobs/job.ts";
import { runNow } from "#core/blocks/jobs/run-now.ts";
import type { DueEntry } from "#core/ports/due-times.ts";
import { pagedTable, printable } from "#k8s/inspect/table.ts";
import type { JobsCall } from "./jobs-call.ts";
import { jobFacts, jobRow, jobText, readJob, rowHeadings, type ScheduledJob } from "./job-text.ts";
import { reportNothing } from "./open-coordination.ts";
import { isJson, printFacts, printJson } from "./print.ts";

/** Jobs that are read at once: each may carry data of some megabytes. */
const pageSize = 100;

export async function listJobs(call: JobsCall): Promise<number> {
  const { flags, cli, clock, app } = call;
  const limit = flags.number("limit") ?? Infinity;
  const isForPrograms = isJson(flags);
  const rows = pagedTable(rowHeadings);
  let count = 0;
  let hasMore = false;
  if (isForPrograms) cli.out("[");
  for await (const entries of pagesOf(call)) {
    const now = clock.now();
    const found = entries.flatMap((entry) => readJob(app, entry, now) ?? []);
    const shown = found.slice(0, limit - count);
    hasMore = found.length > shown.length;
    if (isForPrograms)
      shown.forEach((job, i) => cli.out(`${count + i === 0 ? "" : ","}\n  ${jobText(job)}`));
    else if (shown.length > 0) cli.out(rows(shown.map((job) => jobRow(job, now))));
    count += shown.length;
    if (hasMore) break;
  }
  if (isForPrograms) cli.out(count === 0 ? "]\n" : "\n]\n");
  if (hasMore) cli.err(`There are more jobs than --limit ${limit}\n`);
  if (count === 0 && !isForPrograms && call.coordination) {
    const prefix = flags.text("prefix");
    const which = prefix === "" ? "" : ` whose name starts with ${quoted(prefix)}`;
    reportNothing(call, `${appText(app)} has no jobs${which}`);
  }
  return 0;
}

async function* pagesOf({
  flags,
  app,
  coordination,
  options,
}: JobsCall): AsyncGenerator<readonly DueEntry[]> {
  if (!coordination) return;
  const selection = { queue: jobQueue(app), owner: "", namePrefix: flags.text("prefix") };
  for (let after: DueEntry | undefined; ;) {
    const page = await coordination.dueTimes.list(selection, {
      ...options(),
      limit: pageSize,
      after,
    });
    yield page;
    if (page.length < pageSize) return;
    after = page.at(-1);
  }
}

export async function showJob(call: JobsCall, name: string): Promise<number> {
  const { flags, cli, clock, app, coordination, options } = call;
  const entry = await coordination?.dueTimes.get(jobKey(app, name), options());
  const job: ScheduledJob | undefined = entry && readJob(app, entry, clock.now());
  if (!job) return notFound(call, name);
  if (isJson(flags)) cli.out(`${jobText(job)}\n`);
  else printFacts(cli, jobFacts(job, clock.now()));
  return 0;
}

export async function deleteJob(call: JobsCall, name: string): Promise<number> {
  const { flags, cli, app, coordination, options } = call;
  if (!(await coordination?.dueTimes.delete(jobKey(app, name), options())))
    return notFound(call, name);
  if (isJson(flags)) printJson(cli, { name, result: "deleted" });
  else cli.out(`Deleted job ${quoted(name)}\n`);
  return 0;
}

export async function runJobNow(call: JobsCall, name: string): Promise<number> {
  const { flags, cli, clock, app, coordination, options } = call;
  const result = coordination
    ? await runNow(coordination.dueTimes, app, name, clock, options())
    : "absent";
  if (result === "absent") return notFound(call, name);
  if (result === "held") {
    cli.err(
      `Job ${quoted(name)} is running already, so nothing was changed; run the command again when the run has ended\n`,
    );
    return 1;
  }
  if (isJson(flags)) printJson(cli, { name, result });
  else
    cli.out(
      `Job ${quoted(name)} is due now; a running replica of app ${quoted(app.appId)} takes it within about a second\n`,
    );
  return 0;
}

function notFound(call: JobsCall, name: string): number {
  // Without a database, that has been reported.
  if (call.coordination) reportNothing(call, `${appText(call.app)} has no job ${quoted(name)}`);
  return 1;
}

function appText({ appId, namespace }: JobOwner): string {
  return `App ${quoted(appId)} in namespace ${quoted(namespace || "default")}`;
}
function quoted(text: string): string {
  return printable(JSON.stringify(text));
}
