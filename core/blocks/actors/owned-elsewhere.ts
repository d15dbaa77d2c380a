import { durableOf } from "#core/blocks/_shared/durable.ts";
import type { App } from "#core/kernel/app.ts";
import type { RuntimeServices } from "#core/kernel/runtime-services.ts";
import type { CallOptions } from "#core/ports/component.ts";
import type { ActorName } from "#core/ports/actor-host.ts";
import type { ActorClaim } from "#core/ports/ownership.ts";
import { createBackoff, type Pauses } from "#core/util/backoff.ts";
import { throwOutcome, timerRequest, type TimerChange } from "./routed-turn.ts";
import { ActorLeavingError } from "./turn-queue.ts";

/**
 * One replica of an app may be hosted by several processes, which share its calls: those behind a Service, and two of
 * which one takes the place of the other. What an actor asks of its runtime then comes to any of them.
 */

/** The claim of a member that is this replica in another process; `undefined`: the actor is nobody's, or another replica's. */
export async function claimElsewhere(
  app: App,
  { type, id }: ActorName,
  services: RuntimeServices,
  options: CallOptions,
): Promise<ActorClaim | undefined> {
  if (!app.instance) return undefined;
  const { ownership } = await durableOf(app, services);
  const claim = await ownership.ownerOf({ namespace: app.namespace, type, id }, options);
  const isSame =
    claim?.owner.id.startsWith(`${app.instance}.`) === true &&
    claim.owner.appId === app.appId &&
    claim.owner.namespace === app.namespace;
  return isSame ? claim : undefined;
}

const pauses: Pauses = { firstMs: 20, longestMs: 250 };
const mostTries = 10;

/** Asks the process that owns the actor to change a timer. False: there is none that is this replica. */
export async function changeTimerElsewhere(
  app: App,
  actor: ActorName,
  change: TimerChange,
  services: RuntimeServices,
  options: CallOptions,
): Promise<boolean> {
  const { clock, peers } = services.platform;
  const backoff = createBackoff(pauses);
  for (let tries = 1; ; tries++) {
    const claim = await claimElsewhere(app, actor, services, options);
    if (!claim) return false;
    const channel = peers?.at?.(claim.owner.address, claim.owner, app);
    if (!channel) throw new Error(`no way to ${claim.owner.address}`);
    const answer = await channel.send(timerRequest(claim.owner.id, actor, change), options);
    try {
      throwOutcome(answer.headers);
      return true;
    } catch (reason) {
      // It is leaving, or the connection came to another process at its address.
      if (!(reason instanceof ActorLeavingError) || tries === mostTries) throw reason;
    }
    await clock.sleep(backoff.next(), options);
  }
}
