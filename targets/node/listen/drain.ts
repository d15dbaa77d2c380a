import { messageOf } from "#core/errors/component-error.ts";
import type { AppInstance } from "#core/hosting/app-instance.ts";
import type { Clock, Log } from "#core/ports/platform.ts";
import { goDuration } from "#core/util/duration.ts";
import { endsWithin } from "#core/util/time-limit.ts";

/** One app on its way out. */
export interface Drainable {
  readonly appId: string;
  readonly hosted: Pick<AppInstance, "stop" | "stopBlocks" | "unhealthy">;
  /** Time that the APIs stay up after nothing calls the app any more; 0 means off. */
  readonly blockShutdownMs: number;
  /** Take no new calls; resolve when those in flight have ended. */
  readonly servers: ReadonlyArray<() => Promise<unknown>>;
}
export interface DrainDeps {
  readonly clock: Clock;
  readonly log: Log;
}

/** Dapr's block: first only subscriptions and input bindings end, so that the app can still finish its work with the APIs. */
export async function block(app: Drainable, { clock, log }: DrainDeps): Promise<void> {
  const { appId, hosted, blockShutdownMs: ms } = app;
  if (ms <= 0) return;
  const fields = { app_id: appId };
  log.info(
    `Blocking graceful shutdown for ${goDuration(ms)} or until app reports unhealthy...`,
    fields,
  );
  const unwell = endsWithin(clock, ms, hosted.unhealthy);
  // What the app is busy with goes on; `drain` waits for it.
  hosted.stop().catch((reason: unknown) => {
    log.warn(`Not everything that calls the app has stopped: ${messageOf(reason)}`, fields);
  });
  log.info(
    (await unwell)
      ? "App reported unhealthy, entering shutdown..."
      : "Block shutdown period expired, entering shutdown...",
    fields,
  );
}

/**
 * Ends what calls the app, and takes no new calls of it; resolves once nothing is in flight. Turns of actors and jobs
 * that are in flight keep the API for so long at most, 0 meaning no limit: they may have yet to write their state.
 */
export async function drain(
  { hosted, servers }: Drainable,
  { clock }: Pick<DrainDeps, "clock">,
  limitMs: number,
): Promise<void> {
  const stopped = hosted.stop();
  await endsWithin(clock, limitMs, hosted.stopBlocks());
  await Promise.allSettled([stopped, ...servers.map((end) => end())]);
}
