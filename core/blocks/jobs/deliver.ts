import { tracedHeaders } from "#core/blocks/_shared/event-headers.ts";
import { discard } from "#core/blocks/_shared/app-answer.ts";
import type { NextDue } from "#core/due-times/engine.ts";
import { afterRun, isTooLate } from "#core/due-times/trigger.ts";
import { messageOf } from "#core/errors/component-error.ts";
import type { App } from "#core/kernel/app.ts";
import { type CallOptions, noMetadata } from "#core/ports/component.ts";
import type { ClaimedEntry } from "#core/ports/due-times.ts";
import type { AppChannel, Clock, Log, PlainRequest } from "#core/ports/platform.ts";
import { noteJobRun } from "#core/telemetry/job-runs.ts";
import { endWithStatus } from "#core/tracing/attributes.ts";
import { startTrace } from "#core/tracing/start-trace.ts";
import { escapePathSegment } from "#core/util/path.ts";
import { anyOf, bodyOf, type JobData } from "./job-data.ts";
import { readStored, writeStored } from "./job.ts";

export interface JobRunner {
  readonly app: App;
  readonly channel: AppChannel;
  readonly clock: Clock;
  readonly log: Log;
}

/** Runs a job that is due; answers when it is due again. What the signal cuts off has not been, and is left to others. */
export async function runJob(
  runner: JobRunner,
  entry: ClaimedEntry,
  options: CallOptions,
): Promise<NextDue | undefined> {
  const { clock, log, app } = runner;
  const { trigger, ...job } = readStored(entry.data);
  const startedAt = clock.now();
  const fields = { app_id: app.appId, job: entry.name };
  if (isTooLate(trigger, startedAt)) {
    log.info(`Job ${entry.name} has not run within its time to live`, fields);
    return undefined;
  }
  const result = await deliver(runner, entry.name, job.data, options);
  if (result === "cut") return { dueAt: entry.dueAt, data: entry.data };
  const next = afterRun(trigger, result, startedAt, clock.now());
  if (result === "failed" && !next?.trigger.failures) {
    const failures = trigger.failures === 0 ? "once" : `${trigger.failures + 1} times`;
    log.warn(`Job ${entry.name} is not tried again: it has failed ${failures}`, fields);
  }
  return next && { dueAt: next.dueAt, data: writeStored({ ...job, trigger: next.trigger }) };
}

async function deliver(
  { app, channel, clock, log }: JobRunner,
  name: string,
  data: JobData | undefined,
  options: CallOptions,
): Promise<"done" | "failed" | "cut"> {
  const fields = { app_id: app.appId, job: name };
  const { tracer } = app.policies;
  // Dapr: no trace of its own, which matters only where somebody looks at it.
  const trace = tracer && startTrace(app.policies, undefined, undefined, `job/${name}`, "client");
  const headers = tracedHeaders(app, noMetadata, trace);
  const began = clock.monotonic();
  let status: number;
  try {
    const response = await channel.send(requestOf(name, data, headers), options);
    discard(response);
    ({ status } = response);
  } catch (reason) {
    trace?.span?.end(messageOf(reason));
    if (options.signal.aborted) return "cut";
    log.warn(`Cannot call the app for job ${name}: ${messageOf(reason)}`, fields);
    noteJobRun(app.telemetry, false, began);
    return "failed";
  }
  if (trace?.span) endWithStatus(trace.span, status);
  const isSuccess = status >= 200 && status <= 299;
  noteJobRun(app.telemetry, isSuccess, began);
  if (isSuccess) return "done";
  if (status === 404) {
    log.warn(`The app does not have a handler of job ${name}: it answered 404`, fields);
    return "done";
  }
  log.warn(`Job ${name} failed: the app answered ${status}`, fields);
  return "failed";
}

function requestOf(
  name: string,
  data: JobData | undefined,
  headers: PlainRequest["headers"],
): PlainRequest {
  const request: PlainRequest = {
    method: "POST",
    path: `/job/${escapePathSegment(name)}`,
    headers,
    callback: { kind: "job-event", name, data: data && (() => anyOf(data)) },
  };
  return data ? { ...request, body: bodyOf(data) } : request;
}
