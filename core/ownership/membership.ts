import { messageOf } from "#core/errors/component-error.ts";
import type { CallOptions } from "#core/ports/component.ts";
import type { ActorMember, Ownership } from "#core/ports/ownership.ts";
import type { Clock, Log } from "#core/ports/platform.ts";
import { createLease, type Lease } from "./lease.ts";
import { createMemberView } from "./member-view.ts";
import { within } from "#core/util/time-limit.ts";

export interface MembershipOptions {
  readonly ownership: Pick<Ownership, "join" | "renew" | "leave">;
  readonly clock: Clock;
  readonly log: Log;
  /** Default: 5 s. */
  readonly leaseMs?: number;
}

/** A replica's place among those that may own actors. */
export interface MemberLease {
  readonly member: ActorMember;
  /** Fires when the lease has run out, or must be taken to have: nothing may run in its name any more. */
  readonly lost: AbortSignal;
  /** False from the moment at which another may own what was this member's. */
  isHeld(): boolean;
  /** Says what the member hosts now. */
  host(types: readonly string[]): Promise<void>;
  /** Ends the membership, so that others take over at once. */
  leave(): Promise<void>;
}

/** The leases of this process in one group, and who else is in it. Costs nothing while nobody has joined or asks. */
export interface Membership {
  /** Rejects where the store cannot be reached. `instance`: what the member's id begins with, before a dot. */
  join(replica: Omit<ActorMember, "id">, instance?: string): Promise<MemberLease>;
  /** The members of the namespace that host the type, as last heard. */
  hostsOf(namespace: string, type: string): readonly ActorMember[];
  /** Asks the store now; those who ask at the same time share the answer. */
  refresh(options: CallOptions): Promise<void>;
  /** Keeps the view of the others fresh for a while: for those who call actors and host none. */
  touch(): void;
  /** Called after a change of the members; answers what ends that. */
  onChange(run: () => void): () => void;
}

/** How long members are asked for after the last call to an actor. */
const keptMs = 30_000;

interface Held {
  member: ActorMember;
  readonly lease: Lease;
}

export function createMembership(options: MembershipOptions): Membership {
  const { ownership, clock, log, leaseMs = 5000 } = options;
  const held = new Set<Held>();
  const listeners = new Set<() => void>();
  const view = createMemberView();
  let renewing: Promise<void> | undefined;
  let timer: (() => void) | undefined;
  let touchedAt = -Infinity;
  let isOut = false;

  function see(found: readonly ActorMember[]): void {
    if (view.see(found)) for (const run of listeners) run();
  }
  async function renew(): Promise<void> {
    const asked = clock.monotonic();
    const mine = [...held];
    const ids = mine.map(({ member }) => member.id);
    const found = await inTime((limited) => ownership.renew(ids, leaseMs, limited));
    if (isOut) log.info("The owners of actors are there again");
    isOut = false;
    const alive = new Set(found.map(({ id }) => id));
    for (const { member, lease } of mine)
      if (alive.has(member.id)) lease.prolong(asked);
      else lease.end("the lease has run out");
    see(found);
  }
  /** A store that does not answer must not hold up the next try. */
  function inTime<T>(run: (limited: CallOptions) => Promise<T>): Promise<T> {
    return within(clock, leaseMs / 2, {}, run);
  }
  function renewed(): Promise<void> {
    return (renewing ??= renew().finally(() => (renewing = undefined)));
  }
  function look(): void {
    timer = undefined;
    void renewed()
      .catch((reason: unknown) => {
        if (!isOut) log.warn(`Cannot renew the ownership of actors: ${messageOf(reason)}`);
        isOut = true;
      })
      .finally(arm);
  }
  function arm(): void {
    const isAsked = clock.monotonic() - touchedAt <= keptMs;
    if (timer || (held.size === 0 && !isAsked)) return;
    timer = clock.after(isOut ? leaseMs / 10 : leaseMs / 3, look);
  }
  function leaseOf(mine: Held): MemberLease {
    const { lease } = mine;
    return {
      get member() {
        return mine.member;
      },
      lost: lease.lost,
      isHeld: lease.isHeld,
      host: async (types) => {
        mine.member = { ...mine.member, types };
        await inTime((limited) => ownership.join(mine.member, leaseMs, limited));
        await renewed().catch(() => {});
      },
      leave: async () => {
        const { id } = mine.member;
        lease.end("the member has left");
        await inTime((limited) => ownership.leave(id, limited));
        see(view.all.filter((each) => each.id !== id));
      },
    };
  }

  return {
    join: async (replica, instance = "") => {
      const unique = crypto.randomUUID();
      const id = instance === "" ? unique : `${instance}.${unique}`;
      const member: ActorMember = { ...replica, id };
      const asked = clock.monotonic();
      await inTime((limited) => ownership.join(member, leaseMs, limited));
      const mine: Held = { member, lease: createLease(clock, leaseMs, asked) };
      held.add(mine);
      mine.lease.lost.addEventListener("abort", () => held.delete(mine), { once: true });
      see([...view.all.filter(({ id }) => id !== member.id), member]);
      arm();
      return leaseOf(mine);
    },
    hostsOf: view.hostsOf,
    refresh: async ({ signal }) => {
      signal.throwIfAborted();
      await renewed();
    },
    touch: () => {
      touchedAt = clock.monotonic();
      arm();
    },
    onChange: (run) => {
      listeners.add(run);
      return () => void listeners.delete(run);
    },
  };
}
