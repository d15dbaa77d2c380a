import { messageOf } from "#core/errors/component-error.ts";
import type { Clock, Log } from "#core/ports/platform.ts";
import { goDuration } from "#core/util/duration.ts";
import { createMatcher } from "./codes.ts";
import { isPermanent, statusOf } from "./failure.ts";
import type { Guard } from "./guard.ts";
import { type BackoffPolicy, createRetryPauses } from "./retry-pauses.ts";

export interface RetryOptions extends BackoffPolicy {
  readonly matching?: { readonly httpStatusCodes?: string; readonly gRPCStatusCodes?: string };
  /** What else must hold for another try. */
  readonly only?: (reason: unknown) => boolean;
  /** For the log: what the operation is called, by the method of the target. */
  readonly nameOf: (method: string) => string;
  readonly clock: Clock;
  readonly log: Log;
  /** Told before each further try. */
  readonly retrying?: () => void;
}

/** Runs again what has failed. A caller that has gone, an open breaker and a wrong ETag end it at once. */
export function createRetry(options: RetryOptions): Guard {
  const { nameOf, clock, log, only, retrying } = options;
  const matches = options.matching ? createMatcher(options.matching) : undefined;
  const mayRetry = (reason: unknown): boolean => {
    if (isPermanent(reason) || only?.(reason) === false) return false;
    const status = matches && statusOf(reason);
    return status === undefined || matches === undefined || matches(status);
  };
  return async (run, call, method = "") => {
    let next: (() => number | undefined) | undefined;
    for (let attempt = 1; ; attempt++) {
      try {
        const result = await run(call);
        if (next)
          log.info(`Recovered processing operation ${nameOf(method)} after ${attempt} attempts`);
        return result;
      } catch (reason) {
        if (call.signal.aborted || !mayRetry(reason)) throw reason;
        next ??= createRetryPauses(options, clock.now);
        const pause = next();
        if (pause === undefined) throw reason;
        retrying?.();
        log.warn(
          `Error processing operation ${nameOf(method)}. Retrying in ${goDuration(Math.round(pause))}…`,
          { error: messageOf(reason) },
        );
        try {
          await clock.sleep(pause, call);
        } catch {
          throw reason;
        }
      }
    }
  };
}
