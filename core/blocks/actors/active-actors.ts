import { messageOf } from "#core/errors/component-error.ts";
import type { MemberLease, Membership } from "#core/ownership/membership.ts";
import type { ActorHost, ActorName } from "#core/ports/actor-host.ts";
import type { CallOptions } from "#core/ports/component.ts";
import type { ActorKey, Ownership } from "#core/ports/ownership.ts";
import type { Clock, Log } from "#core/ports/platform.ts";
import { createRunningTurns } from "./running-turns.ts";
import { createSingleFlight } from "#core/util/single-flight.ts";
import { createIdleOrder } from "./idle-order.ts";
import { betterOwner, claimActor } from "./claim-actor.ts";
import { deactivate } from "./deactivate.ts";
import { createDepartures } from "./departures.ts";
import type { ActorTypeSettings } from "./settings.ts";
import { ActorLeavingError, TurnQueue } from "./turn-queue.ts";

/** An actor that runs here, since its first turn. */
export interface ActiveActor extends ActorName {
  /** Of the claim by which it is owned. */
  readonly fence: number;
  readonly queue: TurnQueue;
  /** The state store refuses the writes of former owners. */
  isKnownToStore: boolean;
  /** Start of its last turn, by the clock. */
  usedAt: number;
  /** Set once it leaves; resolves when it has left. */
  leaving: Promise<void> | undefined;
}
/** Why an actor leaves: its metrics tell them apart. */
export type LeaveReason = "idle" | "moved" | "ended";

export interface ActiveActorsOptions {
  readonly type: string;
  readonly settings: ActorTypeSettings;
  readonly lease: MemberLease;
  readonly membership: Membership;
  readonly ownership: Pick<Ownership, "claim" | "release">;
  readonly host: ActorHost;
  readonly clock: Clock;
  readonly log: Log;
  /** See `RunningTurnsOptions.waiting`. */
  readonly waiting?: ((count: number) => void) | undefined;
  /** Hears how each deactivation ended. */
  readonly left?: (actor: ActorName, reason: LeaveReason, failure: string | undefined) => void;
}
/** A turn: what is done while the actor is nobody else's. */
export type TurnWork<T> = (actor: ActiveActor, options: CallOptions) => Promise<T>;

/** The actors of one type that run here. */
export interface ActiveActors {
  readonly count: number;
  /** The actor, while it is active: until it has left, since its last turn and its deactivation may still write state. */
  get(id: string): ActiveActor | undefined;
  /**
   * Runs a turn of the actor, which becomes active with it. Rejects with `ActorMovedError` where it is not this
   * member's, with `StackDepthError`, with what the work rejects with, or at once when the caller's signal fires. The
   * work's own signal fires when the lease is lost or the drain time is over.
   */
  turn<T>(id: string, work: TurnWork<T>, options: CallOptions, chain?: string): Promise<T>;
  /** Another owns the actor already: it leaves after its present turn. */
  evict(actor: ActiveActor): void;
  /**
   * Ends all of them, one after the other. Each serves calls until it leaves; then its turn gets the rest of the drain time,
   * and what waits is sent away.
   */
  close(reason: "ended" | "lost"): Promise<void>;
}

export function createActiveActors(options: ActiveActorsOptions): ActiveActors {
  const { type, settings, lease, membership, ownership, host, clock, log, left } = options;
  const activations = createSingleFlight<ActiveActor>();
  let closing: Promise<void> | undefined;
  const actors = createIdleOrder<ActiveActor>(settings.idleMs, clock, (actor) => {
    if (actor.queue.isIdle) void leave(actor, "idle");
  });
  const keyOf = (id: string): ActorKey => ({ namespace: lease.member.namespace, type, id });
  const isOver = (): boolean => closing !== undefined || !lease.isHeld();

  async function activate(id: string): Promise<ActiveActor> {
    const fence = await claimActor(keyOf(id), options, { signal: lease.lost });
    if (isOver()) throw new ActorLeavingError();
    const actor = activeActor({ type, id }, fence, clock.now());
    actors.add(actor);
    return actor;
  }
  async function actorFor(id: string): Promise<ActiveActor> {
    for (;;) {
      const actor = actors.get(id);
      if (actor && !actor.leaving && lease.isHeld()) return actor;
      if (isOver()) throw new ActorLeavingError();
      // A caller that gives up does not end it for the others.
      if (!actor) return activations.run(id, () => activate(id));
      await actor.leaving;
    }
  }
  function leave(actor: ActiveActor, reason: LeaveReason): Promise<void> {
    return (actor.leaving ??= (async () => {
      await actor.queue.close();
      const failure = await deactivate(host, actor, clock, log);
      left?.(actor, reason, failure);
      actors.delete(actor);
      if (lease.isHeld())
        await ownership
          .release([{ actor: keyOf(actor.id), fence: actor.fence }], { signal: lease.lost })
          .catch((why: unknown) => log.debug(`Cannot give an actor up: ${messageOf(why)}`));
    })());
  }
  const departures = createDepartures({
    actors,
    leave,
    isOver,
    isElsewhere: (actor) => !actor.leaving && betterOwner(keyOf(actor.id), options) !== undefined,
  });
  const stopListening = membership.onChange(departures.move);

  const turns = createRunningTurns({
    maxStackDepth: settings.maxStackDepth,
    begin: (actor) => {
      actors.used(actor);
      if (!lease.isHeld()) throw new ActorLeavingError();
    },
    ...(options.waiting ? { waiting: options.waiting } : {}),
  });
  async function closeAll(reason: "ended" | "lost"): Promise<void> {
    stopListening();
    actors.stop();
    await activations.settled();
    const drainMs = reason === "lost" || !settings.drains ? 0 : settings.drainMs;
    const isLate = Promise.withResolvers<void>();
    const cut = (): void => {
      turns.cutAll("the actor host is ending");
      isLate.resolve();
    };
    const late = drainMs > 0 ? clock.after(drainMs, cut) : cut();
    await departures.end(isLate.promise);
    late?.();
  }
  const close = (reason: "ended" | "lost"): Promise<void> => (closing ??= closeAll(reason));
  lease.lost.addEventListener("abort", () => {
    turns.cutAll("the ownership of the actor was lost");
    void close("lost");
  });

  return {
    get count() {
      return actors.size;
    },
    get: (id) => {
      const actor = actors.get(id);
      return actor && lease.isHeld() ? actor : undefined;
    },
    turn: async (id, work, call, chain) => {
      for (;;) {
        const actor = await actorFor(id);
        try {
          return await turns.run(actor, work, call, chain);
        } catch (reason) {
          if (!(reason instanceof ActorLeavingError) || !actor.leaving) throw reason;
          await actor.leaving;
        }
      }
    },
    evict: (actor) => {
      log.warn(`An actor of type ${type} is owned by another host; it leaves this one`);
      void leave(actor, "moved");
    },
    close,
  };
}

function activeActor({ type, id }: ActorName, fence: number, usedAt: number): ActiveActor {
  const queue = new TurnQueue();
  return { type, id, fence, queue, isKnownToStore: false, usedAt, leaving: undefined };
}
