import type { AppBlock } from "#core/blocks/_shared/define-block.ts";
import { durableOf } from "#core/blocks/_shared/durable.ts";
import type { Serving } from "#core/due-times/engine.ts";
import { messageOf } from "#core/errors/component-error.ts";
import type { App } from "#core/kernel/app.ts";
import { appCoordination } from "#core/kernel/coordination.ts";
import type { RuntimeServices } from "#core/kernel/runtime-services.ts";
import type { Pauses } from "#core/util/backoff.ts";
import { repeat } from "#core/util/repeat.ts";
import { endsWithin } from "#core/util/time-limit.ts";
import { runJob } from "./deliver.ts";
import { jobQueue } from "./job.ts";
import { scheduledJobs } from "./scheduled-jobs.ts";

/** Between tries to open what jobs are kept in. */
const pauses: Pauses = { firstMs: 1000, longestMs: 30_000 };
/** What is in flight has so long to end when the app stops, or is not well. */
const drainMs = 30_000;
/** And so long to be left to others, once it is cut off. */
const releaseMs = 2000;

/**
 * Runs the app's jobs while it can be called. Without jobs nothing is opened and no timer runs: it begins with the first
 * job that a replica of the app schedules, or at once where there is a database that may hold some.
 */
export function createJobRuns(app: App, services: RuntimeServices): AppBlock {
  const { clock, log } = services.platform;
  const { channel } = app;
  const queue = jobQueue(app);
  let isStarted = false;
  /** From a start to the stop after it, while jobs are on. */
  let on: { stop(): Promise<void> } | undefined;

  function begin(to: NonNullable<typeof channel>): { stop(): Promise<void> } {
    const runner = { app, channel: to, clock, log };
    const stopping = new AbortController();
    const cut = new AbortController();
    let serving: Serving | undefined;
    let isOpening = false;
    let hasFailed = false;

    async function serve(): Promise<boolean> {
      try {
        const { engine } = await durableOf(app, services);
        if (!stopping.signal.aborted)
          serving = engine.serve(queue, (entry, { signal }) =>
            runJob(runner, entry, { signal: AbortSignal.any([signal, cut.signal]) }),
          );
        return true;
      } catch (reason) {
        const level = hasFailed ? "debug" : "warn";
        hasFailed = true;
        if (!stopping.signal.aborted)
          log[level](`Cannot run jobs, trying again: ${messageOf(reason)}`, { app_id: app.appId });
        return false;
      }
    }
    const open = async (): Promise<void> => {
      if (isOpening || stopping.signal.aborted) return;
      isOpening = true;
      if (!(await serve())) await repeat(serve, pauses, clock, stopping.signal);
    };
    const forget = services.part(scheduledJobs).onScheduled(queue, () => void open());
    const { source } = app.part(appCoordination);
    let stopWaiting: (() => void) | undefined;
    void source
      ?.exists()
      // Where nobody can tell, opening it says what is wrong.
      .catch(() => true)
      .then((exists) => {
        if (exists) return open();
        if (!stopping.signal.aborted) stopWaiting = source.onceThere?.(() => void open());
      });
    return {
      stop: async () => {
        stopping.abort(new Error("Jobs are stopped"));
        forget();
        stopWaiting?.();
        const ended = serving?.stop();
        if (!ended) return;
        await endsWithin(clock, drainMs, ended);
        cut.abort(new Error("Jobs are stopped"));
        await endsWithin(clock, releaseMs, ended);
      },
    };
  }
  async function end(): Promise<void> {
    const running = on;
    on = undefined;
    await running?.stop();
  }
  async function follow(): Promise<void> {
    if (!channel || !isStarted) return;
    if (app.part(appCoordination).source?.jobs) on ??= begin(channel);
    else await end();
  }
  return {
    start: async () => {
      isStarted = true;
      await follow();
    },
    follow,
    stop: async () => {
      isStarted = false;
      await end();
    },
  };
}
