import { ComponentError } from "#core/errors/component-error.ts";
import type {
  ActorClaim,
  ActorCount,
  ActorKey,
  ActorMember,
  Ownership,
} from "#core/ports/ownership.ts";
import type { Clock } from "#core/ports/platform.ts";

interface Leased {
  member: ActorMember;
  until: number;
}
interface Owned {
  type: string;
  memberId: string;
  fence: number;
}

const keyOf = ({ namespace, type, id }: ActorKey): string => JSON.stringify([namespace, type, id]);

/** Who owns what, in memory. Fences come from one counter, so that each is greater than all before it. */
export function createOwnership(clock: Pick<Clock, "now">): Ownership {
  const members = new Map<string, Leased>();
  const owners = new Map<string, Owned>();
  let lastFence = 0;

  const forget = (id: string): void => {
    members.delete(id);
    for (const [key, { memberId }] of owners) if (memberId === id) owners.delete(key);
  };
  const memberOf = (id: string): ActorMember | undefined => {
    const leased = members.get(id);
    if (!leased || leased.until > clock.now()) return leased?.member;
    forget(id);
    return undefined;
  };
  const claimOf = (owned: Owned | undefined): ActorClaim | undefined => {
    const owner = owned && memberOf(owned.memberId);
    return owner && { owner, fence: owned.fence };
  };
  return {
    join: async (member, leaseMs, { signal }) => {
      signal.throwIfAborted();
      members.set(member.id, { member, until: clock.now() + leaseMs });
    },
    renew: async (ids, leaseMs, { signal }) => {
      signal.throwIfAborted();
      for (const id of ids) {
        const leased = memberOf(id) && members.get(id);
        if (leased) leased.until = clock.now() + leaseMs;
      }
      return [...members.keys()].flatMap((id) => memberOf(id) ?? []);
    },
    leave: async (id, { signal }) => {
      signal.throwIfAborted();
      forget(id);
    },
    claim: async (actor, memberId, { signal, above = 0 }) => {
      signal.throwIfAborted();
      const claimant = memberOf(memberId);
      if (!claimant) throw new ComponentError("rejected", `no lease of member ${memberId}`);
      const present = claimOf(owners.get(keyOf(actor)));
      const isOwn = present?.owner.id === memberId;
      if (present && !(isOwn && present.fence <= above)) return present;
      lastFence = Math.max(lastFence, above) + 1;
      owners.set(keyOf(actor), { type: actor.type, memberId, fence: lastFence });
      return { owner: claimant, fence: lastFence };
    },
    release: async (claims, { signal }) => {
      signal.throwIfAborted();
      for (const { actor, fence } of claims)
        if (owners.get(keyOf(actor))?.fence === fence) owners.delete(keyOf(actor));
    },
    ownerOf: async (actor, { signal }) => {
      signal.throwIfAborted();
      return claimOf(owners.get(keyOf(actor)));
    },
    counts: async ({ signal }) => {
      signal.throwIfAborted();
      const counts = new Map<string, ActorCount>();
      for (const { memberId, type } of owners.values()) {
        if (!memberOf(memberId)) continue;
        const key = JSON.stringify([memberId, type]);
        counts.set(key, { memberId, type, actors: (counts.get(key)?.actors ?? 0) + 1 });
      }
      return [...counts.values()];
    },
  };
}
