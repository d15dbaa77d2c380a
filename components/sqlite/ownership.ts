import { ComponentError } from "#core/errors/component-error.ts";
import type { Clock } from "#core/ports/platform.ts";
import type { Ownership } from "#core/ports/ownership.ts";
import type { CoordinationDatabase } from "./coordination-database.ts";
import { largestGroup } from "./group-commit.ts";
import { inChunks } from "./in-chunks.ts";
import { openMembers } from "./members.ts";
import { openOwners } from "./owners.ts";

/** Who owns what, in tables. Leases are measured by the clock of this machine, which all members are on. */
export function createOwnership(
  { group, durable, quick, read }: CoordinationDatabase,
  clock: Pick<Clock, "now">,
): Ownership {
  const joining = openMembers(durable.db, group);
  const members = openMembers(quick.db, group);
  const owners = openOwners(quick.db, group);

  return {
    join: (member, leaseMs, options) =>
      durable.change(() => joining.put(member, clock.now() + leaseMs), options),
    renew: async (ids, leaseMs, options) => {
      if (ids.length === 0) return read(() => members.alive(clock.now()), options);
      return quick.change(() => {
        const now = clock.now();
        members.renew(ids, now + leaseMs, now);
        members.removeEnded(now);
        return members.alive(now);
      }, options);
    },
    leave: (id, options) => quick.change(() => members.remove(id), options),
    claim: async (actor, memberId, { above = 0, ...options }) => {
      const answer = (now: number) => {
        const claimant = members.find(memberId, now);
        if (!claimant)
          throw new ComponentError(
            "rejected",
            `member ${memberId} has no lease; it has to join under another id`,
          );
        const present = owners.find(actor, now);
        const mayTake = !present || (present.owner.id === memberId && present.fence <= above);
        return mayTake ? { claimant } : { claimant, present };
      };
      // Most claims are for actors that have an owner: these need not wait for others that write.
      const { present } = await read(() => answer(clock.now()), options);
      if (present) return present;
      return quick.change(() => {
        const now = clock.now();
        const { claimant, present: winner } = answer(now);
        return winner ?? { owner: claimant, fence: owners.take(actor, memberId, above, now) };
      }, options);
    },
    release: async (claims, options) => {
      await inChunks(claims, largestGroup, (some) =>
        quick.change(
          () => {
            const now = clock.now();
            for (const { actor, fence } of some) owners.release(actor, fence, now);
          },
          options,
          some.length,
        ),
      );
    },
    ownerOf: (actor, options) => read(() => owners.find(actor, clock.now()), options),
    counts: (options) => read(() => owners.counts(clock.now()), options),
  };
}
