import { manifests } from "#components/_registry/workers.gen.ts";
import { messageOf } from "#core/errors/component-error.ts";
import { clock } from "#targets/_shared/clock.ts";
import { objectLog as log } from "#targets/_shared/console-log.ts";
import { endsWithin } from "#core/util/time-limit.ts";
import { type OneApp, openOneApp, readResources } from "#targets/_shared/one-app.ts";
import { type NamedText, readSettings } from "#targets/_shared/settings.ts";
import { appChannel } from "./app-channel.ts";
import type { WorkerEnv } from "./env.ts";
import { workerPlatform } from "./platform.ts";
import { deliverBatch } from "./queue.ts";
import { fireTrigger } from "./scheduled.ts";

export interface WorkerOptions {
  /** Resources bundled with the Worker, beside those of its vars. */
  readonly resources?: readonly NamedText[];
}
export interface Worker {
  fetch(request: Request, env: WorkerEnv, ctx: ExecutionContext): Promise<Response>;
  queue(batch: MessageBatch, env: WorkerEnv, ctx: ExecutionContext): Promise<void>;
  scheduled(controller: ScheduledController, env: WorkerEnv, ctx: ExecutionContext): Promise<void>;
}
const openMs = 15_000;

/** The handlers of a Worker that serves the API of one app. Each isolate opens its runtime with its first event. */
export function createWorker(options: WorkerOptions = {}): Worker {
  const opened = new WeakMap<WorkerEnv, Promise<OneApp>>();
  const appOf = async (env: WorkerEnv, ctx: ExecutionContext): Promise<OneApp> => {
    let opening = opened.get(env);
    if (!opening) {
      opening = open(env, options);
      opened.set(env, opening);
      // The event that opens it may be cancelled, and others wait for the same promise.
      ctx.waitUntil(opening.catch(() => {}));
    }
    try {
      if (await endsWithin(clock, openMs, opening)) return await opening;
      throw new Error(`The runtime did not open within ${openMs} ms`);
    } catch (reason) {
      if (opened.get(env) === opening) opened.delete(env);
      throw reason;
    }
  };
  return {
    fetch: async (request, env, ctx) => {
      let app: OneApp;
      try {
        app = await appOf(env, ctx);
      } catch (reason) {
        log.error(`Cannot open the runtime: ${messageOf(reason)}`);
        return Response.json({ errorCode: "ERROR", message: messageOf(reason) }, { status: 500 });
      }
      return app.fetch(request, request.headers.get("cf-connecting-ip") ?? undefined);
    },
    queue: async (batch, env, ctx) => {
      // An app that could not be asked, or was deployed anew since: the next event asks again.
      if (!(await deliverBatch(await appOf(env, ctx), batch))) opened.delete(env);
    },
    scheduled: async ({ cron, scheduledTime }, env, ctx) =>
      fireTrigger(await appOf(env, ctx), cron, scheduledTime),
  };
}

async function open(env: WorkerEnv, options: WorkerOptions): Promise<OneApp> {
  const settings = readSettings(env);
  const channel = appChannel(env, settings);
  return openOneApp({
    platform: workerPlatform(env, settings),
    target: "workers",
    manifests,
    settings,
    resources: readResources([...(options.resources ?? []), ...settings.resources], log),
    ...(channel ? { channel } : {}),
  });
}
