import { anyJson, type JobData } from "#core/blocks/jobs/job-data.ts";
import { type Job, type JobOwner, jobOf, readStored } from "#core/blocks/jobs/job.ts";
import { jobJson } from "#core/blocks/jobs/write-job.ts";
import type { FailurePolicy } from "#core/due-times/failure-policy.ts";
import { never, type Trigger } from "#core/due-times/trigger.ts";
import type { DueEntry } from "#core/ports/due-times.ts";
import { formatProtoDuration } from "#core/util/protobuf/duration.ts";
import { age } from "#k8s/inspect/table.ts";

/** A job, and how far it has come. */
export interface ScheduledJob {
  readonly app: JobOwner;
  readonly job: Job;
  readonly trigger: Trigger;
  /** When it runs next. */
  readonly dueAt: number;
}

/** `undefined` for one whose time to live is over. */
export function readJob(app: JobOwner, entry: DueEntry, now: number): ScheduledJob | undefined {
  const job = jobOf(entry, now);
  return job && { app, job, trigger: readStored(entry.data).trigger, dueAt: entry.dueAt };
}

export const rowHeadings = ["NAME", "SCHEDULE", "NEXT RUN", "IN", "RUNS"] as const;

export function jobRow(of: ScheduledJob, now: number): readonly string[] {
  const { job } = of;
  return [job.name, job.schedule ?? "once", timeText(of.dueAt), waitText(of, now), runsText(of)];
}

/** What `outrigger jobs get` prints. */
export function jobFacts(
  of: ScheduledJob,
  now: number,
): ReadonlyArray<readonly [name: string, value: string | undefined]> {
  const { app, job, trigger, dueAt } = of;
  const { expiresAt } = trigger;
  return [
    ["Name", job.name],
    ["App", app.appId],
    ["Namespace", app.namespace || "default"],
    ["Schedule", job.schedule ?? "once"],
    ["Due time", job.dueTime],
    ["Next run", dueAt >= never ? "never" : `${timeText(dueAt)} (${waitText(of, now, "in ")})`],
    ["Runs", runsText(of)],
    ["Expires", expiresAt === undefined ? undefined : timeText(expiresAt)],
    ["On failure", policyText(trigger.failurePolicy)],
    ["Data", job.data && dataText(job.data)],
  ];
}

/** The job as the API returns it, and how far it has come, on one line. Numbers in its data stay as they are. */
export function jobText({ app, job, trigger, dueAt }: ScheduledJob): string {
  const { data, ...rest } = job;
  const members = [
    `"appId":${JSON.stringify(app.appId)}`,
    `"namespace":${JSON.stringify(app.namespace || "default")}`,
    jobJson(rest).slice(1, -1),
    ...(data ? [`"data":${dataJson(data)}`] : []),
    `"nextRun":${dueAt >= never ? "null" : JSON.stringify(new Date(dueAt).toISOString())}`,
    `"runs":${trigger.runs}`,
    `"failures":${trigger.failures}`,
  ];
  // Escaped, so that no name or data acts on a terminal.
  return `{${members.join(",")}}`.replace(
    // oxlint-disable-next-line no-control-regex -- exactly these are escaped
    /[\u007f-\u009f\u2028-\u202e\u2066-\u2069\u200e\u200f]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** Messages of a type that is not known here as they are encoded. */
function dataJson(data: JobData): string {
  try {
    return anyJson(data);
  } catch (reason) {
    if ("json" in data) throw reason;
    return JSON.stringify({ "@type": data.typeUrl, value: data.base64 });
  }
}

const mostData = 1000;

function dataText(data: JobData): string {
  const text = "json" in data ? data.json : dataJson(data);
  return text.length > mostData
    ? `${text.slice(0, mostData)}… (${text.length} characters; -o json shows all)`
    : text;
}

function policyText(policy: FailurePolicy): string {
  if (policy.kind === "drop") return "no retry";
  const { interval, maxRetries } = policy;
  const pause = interval ? `after ${formatProtoDuration(interval)}` : "at once";
  return `retry ${pause}, ${maxRetries === undefined ? "without a limit" : `${maxRetries} times at most`}`;
}

function runsText({ job, trigger }: ScheduledJob): string {
  return job.repeats === undefined ? String(trigger.runs) : `${trigger.runs} of ${job.repeats}`;
}

function waitText({ dueAt, trigger }: ScheduledJob, now: number, before = ""): string {
  const wait = dueAt >= never ? "-" : `${before}${age(new Date(now).toISOString(), dueAt)}`;
  const at = dueAt <= now ? "due" : wait;
  return trigger.failures === 0 ? at : `${at}, retry ${trigger.failures}`;
}

function timeText(ms: number): string {
  return ms >= never ? "never" : new Date(ms).toISOString().replace(/\.\d+Z$/, "Z");
}
