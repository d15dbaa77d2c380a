import { messageOf } from "#core/errors/component-error.ts";
import { discard } from "#core/blocks/_shared/app-answer.ts";
import type { ActorHost, ActorName } from "#core/ports/actor-host.ts";
import type { Clock, Log } from "#core/ports/platform.ts";
import { within } from "#core/util/time-limit.ts";

/** Longest wait for the app's answer. */
const deactivateMs = 5000;

/** Tells the app that the actor leaves. Answers what went wrong, as metrics name it; the actor leaves all the same. */
export async function deactivate(
  host: ActorHost,
  actor: ActorName,
  clock: Clock,
  log: Log,
): Promise<string | undefined> {
  try {
    const response = await within(clock, deactivateMs, {}, (options) =>
      host.deactivate(actor, options),
    );
    discard(response);
    return response.status === 200 ? undefined : `status_code_${response.status}`;
  } catch (reason) {
    log.warn(`Cannot deactivate an actor of type ${actor.type}: ${messageOf(reason)}`);
    return "invoke";
  }
}
