import { messageOf } from "#core/errors/component-error.ts";
import type { AppInstance } from "#core/hosting/app-instance.ts";
import type { Clock, Log } from "#core/ports/platform.ts";
import { goDuration } from "#core/util/duration.ts";

/** One app on its way out. */
export interface Drainable {
  readonly appId: string;
  readonly hosted: Pick<AppInstance, "stop" | "unhealthy">;
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
  const over = new AbortController();
  const expired = clock.sleep(ms, { signal: over.signal }).then(
    () => true,
    () => true,
  );
  // What the app is busy with goes on; `drain` waits for it.
  hosted.stop().catch((reason: unknown) => {
    log.warn(`Not everything that calls the app has stopped: ${messageOf(reason)}`, fields);
  });
  const unwell = hosted.unhealthy.then(() => false);
  const hasExpired = await Promise.race([expired, unwell]);
  over.abort();
  log.info(
    hasExpired
      ? "Block shutdown period expired, entering shutdown..."
      : "App reported unhealthy, entering shutdown...",
    fields,
  );
}

/** Ends what calls the app, and takes no new calls of it; resolves once nothing is in flight. */
export async function drain({ hosted, servers }: Drainable): Promise<void> {
  await Promise.allSettled([hosted.stop(), ...servers.map((end) => end())]);
}

/** True when the work ended within the time; 0 means that there is no limit. */
export async function endsWithin(
  work: Promise<unknown>,
  ms: number,
  clock: Clock,
): Promise<boolean> {
  const done = work.then(
    () => true,
    () => true,
  );
  if (ms <= 0) return done;
  const over = new AbortController();
  const late = clock.sleep(ms, { signal: over.signal }).then(
    () => false,
    () => false,
  );
  const inTime = await Promise.race([done, late]);
  over.abort();
  return inTime;
}
