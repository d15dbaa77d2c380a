import { durableOf, type Durable } from "#core/blocks/_shared/durable.ts";
import { hasExpired, planTrigger, type Trigger } from "#core/due-times/trigger.ts";
import { ApiError } from "#core/errors/api-error.ts";
import { messageOf } from "#core/errors/component-error.ts";
import type { Call } from "#core/kernel/call.ts";
import {
  appCoordination,
  type CoordinationSource,
  howToTurnOn,
} from "#core/kernel/coordination.ts";
import { defineOperation, type Operation } from "#core/kernel/operation.ts";
import type { RuntimePart, RuntimeServices } from "#core/kernel/runtime-services.ts";
import type { CallOptions } from "#core/ports/component.ts";
import type { DueEntry } from "#core/ports/due-times.ts";
import { within } from "#core/util/time-limit.ts";
import {
  deleting,
  type Failing,
  getting,
  listing,
  schedulerError,
  schedulerFailed,
  scheduling,
} from "./errors.ts";
import { jobFacts } from "./facts.ts";
import {
  type Job,
  jobKey,
  jobOf,
  jobQueue,
  nameFault,
  readStored,
  schedulerKey,
  writeStored,
} from "./job.ts";
import { scheduledJobs } from "./scheduled-jobs.ts";

export interface ScheduleJob {
  readonly job: Job | undefined;
  /** False: a job of that name stays as it is, and the call fails. */
  readonly overwrite: boolean;
}
export interface JobName {
  readonly name: string;
}
export interface JobPrefix {
  /** Empty: all of them. */
  readonly namePrefix: string;
}
export interface JobOperations {
  readonly schedule: Operation<ScheduleJob, void>;
  readonly get: Operation<JobName, Job>;
  readonly delete: Operation<JobName, void>;
  readonly deleteByPrefix: Operation<JobPrefix, void>;
  readonly list: Operation<object, readonly Job[]>;
}

/** The jobs API of a runtime, for all wires. */
export const jobOperations: RuntimePart<JobOperations> = { name: "jobs", create: createOperations };

/** Dapr: what a call of its scheduler may take. */
const limitMs = 30_000;
const pageSize = 500;

function createOperations(services: RuntimeServices): JobOperations {
  const { clock } = services.platform;
  const scheduled = services.part(scheduledJobs);

  /** Asks the due times; every failure reads as one of Dapr's scheduler. */
  async function ask<T>(
    call: Call,
    failing: Failing,
    run: (options: CallOptions) => Promise<T>,
  ): Promise<T> {
    try {
      return await within(clock, limitMs, call, run);
    } catch (reason) {
      if (ApiError.is(reason)) throw reason;
      throw schedulerFailed(call.app, failing, messageOf(reason), reason);
    }
  }
  /** What is there, without bringing it into being: `undefined` where nothing has been kept yet. */
  async function existing(call: Call, source: CoordinationSource): Promise<Durable | undefined> {
    return (await source.exists()) ? durableOf(call.app, services) : undefined;
  }

  return {
    schedule: defineOperation("jobs.schedule", jobFacts("ScheduleJob"), async (call, input) => {
      const job = checkedJob(call, input.job);
      sourceOf(call, scheduling);
      const { data, dueTime, ttl } = job;
      const trigger = plan(call, job, clock.now());
      await ask(call, scheduling, async (options) => {
        const durable = await durableOf(call.app, services);
        const key = jobKey(call.app, job.name);
        const entry = {
          ...key,
          dueAt: trigger.tick,
          data: writeStored({ dueTime, ttl, data, trigger }),
        };
        if (!(await put(durable, entry, trigger, input.overwrite, clock.now(), options)))
          throw schedulerError(
            call.app,
            "JOB_EXISTS",
            `failed to schedule job due to: rpc error: code = AlreadyExists desc = job already exists: '${schedulerKey(call.app, job.name)}'`,
          );
      });
      scheduled.tell(jobQueue(call.app));
    }),
    get: defineOperation("jobs.get", jobFacts("GetJob"), async (call, { name }) => {
      checkName(call, name);
      const source = sourceOf(call, getting);
      const job = await ask(call, getting, async (options) => {
        const durable = await existing(call, source);
        const entry = await durable?.dueTimes.get(jobKey(call.app, name), options);
        return entry && jobOf(entry, clock.now());
      });
      if (job) return job;
      const why = `rpc error: code = NotFound desc = job not found: ${name}`;
      throw schedulerFailed(call.app, getting, why);
    }),
    delete: defineOperation("jobs.delete", jobFacts("DeleteJob"), async (call, { name }) => {
      checkName(call, name);
      const source = sourceOf(call, deleting);
      await ask(call, deleting, async (options) => {
        const durable = await existing(call, source);
        await durable?.dueTimes.delete(jobKey(call.app, name), options);
      });
    }),
    deleteByPrefix: defineOperation(
      "jobs.delete_by_prefix",
      jobFacts("DeleteJobsByPrefix"),
      async (call, { namePrefix }) => {
        const source = sourceOf(call, deleting);
        await ask(call, deleting, async (options) => {
          const durable = await existing(call, source);
          const queue = jobQueue(call.app);
          await durable?.dueTimes.deleteAll({ queue, namePrefix }, options);
        });
      },
    ),
    list: defineOperation("jobs.list", jobFacts("ListJobs"), async (call) => {
      const source = sourceOf(call, listing);
      return ask(call, listing, async (options) => {
        const durable = await existing(call, source);
        const entries = durable ? await allEntries(durable, jobQueue(call.app), options) : [];
        const now = clock.now();
        return entries.flatMap((entry) => jobOf(entry, now) ?? []);
      });
    }),
  };
}

/** Where jobs are kept; throws where they are turned off. */
function sourceOf({ app }: Call, failing: Failing): CoordinationSource {
  const { source } = app.part(appCoordination);
  if (source?.jobs) return source;
  app.telemetry.warnOnce?.(
    `Jobs are off: their calls are answered as by a Dapr sidecar without a scheduler service; ${howToTurnOn}`,
  );
  throw schedulerFailed(app, failing, "scheduler clients are disabled");
}

function checkName({ app }: Call, name: string): void {
  if (name.trim() === "")
    throw schedulerError(app, "DAPR_SCHEDULER_JOB_NAME_EMPTY", "Name is empty");
}
function checkedJob(call: Call, job: Job | undefined): Job {
  if (!job) throw schedulerError(call.app, "DAPR_SCHEDULER_EMPTY", "Job is empty");
  checkName(call, job.name);
  if (job.schedule === undefined && job.dueTime === undefined)
    throw schedulerError(call.app, "DAPR_SCHEDULER_SCHEDULE_EMPTY", "Schedule is empty");
  return job;
}

/** When it runs; throws what Dapr's scheduler refuses. */
function plan({ app }: Call, job: Job, now: number): Trigger {
  const unknown = (why: string): Error =>
    schedulerFailed(app, scheduling, `rpc error: code = Unknown desc = ${why}`);
  const fault = nameFault(app, job.name);
  if (fault !== undefined) throw unknown(fault);
  try {
    return planTrigger(job, now);
  } catch (reason) {
    throw unknown(`job failed validation: ${messageOf(reason)}`);
  }
}

/** False where there is one that may not be replaced. One whose time to live is over before it runs is gone at once. */
async function put(
  { engine, dueTimes }: Durable,
  entry: DueEntry,
  trigger: Trigger,
  overwrite: boolean,
  now: number,
  options: CallOptions,
): Promise<boolean> {
  const isGone = hasExpired(trigger, now);
  if (!isGone && (await engine.put(entry, overwrite, options))) return true;
  const former = await dueTimes.get(entry, options);
  // What is over, and nobody has run, is in nobody's way.
  const mayReplace = overwrite || !former || hasExpired(readStored(former.data).trigger, now);
  if (!mayReplace) return false;
  if (!isGone) return engine.put(entry, true, options);
  if (former) await dueTimes.delete(entry, options);
  return true;
}

async function allEntries(
  { dueTimes }: Durable,
  queue: string,
  options: CallOptions,
): Promise<readonly DueEntry[]> {
  const all: DueEntry[] = [];
  for (let after: DueEntry | undefined; ; after = all.at(-1)) {
    const page = await dueTimes.list({ queue }, { ...options, limit: pageSize, after });
    all.push(...page);
    if (page.length < pageSize) return all;
  }
}
