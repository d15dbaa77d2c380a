import { messageOf } from "#core/errors/component-error.ts";
import { discard } from "#core/blocks/_shared/app-answer.ts";
import type { ActorHost, ActorName } from "#core/ports/actor-host.ts";
import type { Clock, Log } from "#core/ports/platform.ts";
import { within } from "#core/util/time-limit.ts";

/** Longest wait for the app's answer. */
const deactivateMs = 5000;
/** How the last one went wrong: an app that has ended fails for each of its actors, which is one line of the log. */
const lastFailures = new WeakMap<ActorHost, string>();

/** Tells the app that the actor leaves. Answers what went wrong, if so; the actor leaves all the same. */
export async function deactivate(
  host: ActorHost,
  actor: ActorName,
  clock: Clock,
  log: Log,
): Promise<string | undefined> {
  const failure = await failureOf(host, actor, clock);
  if (failure === undefined) lastFailures.delete(host);
  else {
    const isKnown = lastFailures.get(host) === failure;
    lastFailures.set(host, failure);
    log[isKnown ? "debug" : "warn"](`Cannot deactivate an actor of type ${actor.type}: ${failure}`);
  }
  return failure;
}

async function failureOf(
  host: ActorHost,
  actor: ActorName,
  clock: Clock,
): Promise<string | undefined> {
  try {
    const response = await within(clock, deactivateMs, {}, (options) =>
      host.deactivate(actor, options),
    );
    discard(response);
    return response.status === 200 ? undefined : `the app responded with ${response.status}`;
  } catch (reason) {
    return messageOf(reason);
  }
}
