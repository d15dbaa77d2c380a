import { ApiError, toApiError } from "#core/errors/api-error.ts";
import { messageOf } from "#core/errors/component-error.ts";
import type { Log } from "#core/ports/platform.ts";

/** What a caller is told of a failed operation; a failure that is not the operation's own is logged with its stack. */
export function reportedError(operation: string, reason: unknown, log: Log): ApiError {
  if (!ApiError.is(reason))
    log.error(`Cannot answer ${operation}: ${messageOf(reason)}`, {
      stack: reason instanceof Error ? reason.stack : undefined,
    });
  return toApiError(reason);
}
