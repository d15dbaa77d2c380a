import { ComponentError } from "#core/errors/component-error.ts";
import type { CallOptions } from "#core/ports/component.ts";
import type { ActorMember, Ownership } from "#core/ports/ownership.ts";
import { rowKey } from "./row-keys.ts";
import type { OwnershipTables } from "./tables.ts";

/** Claims that one statement releases. */
const mostReleases = 256;
/** Each failed try means that another member has changed the same actor. */
const mostTries = 100;

/**
 * Who owns what, in tables. An actor is free once the row of its owner's member is gone, not at the moment the lease is
 * over: a claimant removes that row first. So a member whose renewal is under way either keeps its row and its actors,
 * or does not get its lease prolonged.
 */
export function createOwnership(tables: OwnershipTables, group: string): Ownership {
  const groupKey = rowKey(group);
  const memberKeyOf = (id: string): Buffer => rowKey(group, id);
  const actorOf = ({ namespace, type, id }: { namespace: string; type: string; id: string }) => ({
    actorKey: rowKey(group, namespace, type, id),
    actor: Buffer.from(JSON.stringify([namespace, type, id])),
  });
  const sweep = createSweep(tables);

  return {
    join: ({ id, namespace, appId, address, types }, leaseMs, options) => {
      const member = Buffer.from(JSON.stringify({ id, namespace, appId, address, types }));
      return tables.putMember({ memberKey: memberKeyOf(id), groupKey, member }, leaseMs, options);
    },
    renew: async (ids, leaseMs, options) => {
      if (ids.length > 0) {
        await tables.renew(ids.map(memberKeyOf), leaseMs, options);
        await tables.removeEnded(groupKey, options);
      }
      return (await tables.living(groupKey, options)).map(memberFrom);
    },
    leave: (id, options) => tables.removeMember(memberKeyOf(id), options),
    claim: async (key, memberId, { above = 0, ...options }) => {
      const { actorKey, actor } = actorOf(key);
      const memberKey = memberKeyOf(memberId);
      for (let tries = 0; tries < mostTries; tries++) {
        const { claimant, owner, ...seen } = await tables.look(actorKey, memberKey, options);
        if (!claimant)
          throw new ComponentError(
            "rejected",
            `The lease of member "${memberId}" has run out; it has to join again under another id`,
          );
        if (owner?.isOver) {
          await tables.removeEnded(groupKey, options);
          continue;
        }
        const last = seen.fence ?? 0;
        if (owner && (!owner.memberKey.equals(memberKey) || last > above))
          return { owner: memberFrom(owner.member), fence: last };
        // At least the time in microseconds, so that fences grow also where no row is left to tell of the last one.
        const fence = Math.max(last + 1, above + 1, seen.nowMicros);
        const row = { actorKey, memberKey, fence };
        const isTaken =
          seen.fence === undefined
            ? await tables.addOwner({ ...row, actor }, options)
            : await tables.changeOwner(row, seen.fence, options);
        if (!isTaken) continue;
        await sweep(options);
        return { owner: memberFrom(claimant), fence };
      }
      throw new ComponentError("unavailable", "Too many members claim the same actor; try again");
    },
    release: async (claims, options) => {
      const rows = claims.map(({ actor, fence }) => ({ actorKey: actorOf(actor).actorKey, fence }));
      for (let i = 0; i < rows.length; i += mostReleases)
        await tables.release(rows.slice(i, i + mostReleases), options);
    },
    ownerOf: async (key, options) => {
      const { owner, fence } = await tables.look(actorOf(key).actorKey, noKey, options);
      if (!owner || owner.isOver || fence === undefined) return undefined;
      return { owner: memberFrom(owner.member), fence };
    },
    counts: async (options) => {
      const counts = new Map<string, { memberId: string; type: string; actors: number }>();
      for (let after: Buffer = noKey; ;) {
        const rows = await tables.ownedAfter(groupKey, after, mostCounted, options);
        for (const { actor, member } of rows) {
          const { id: memberId } = memberFrom(member);
          const [, type = ""] = JSON.parse(actor.toString()) as readonly string[];
          const key = JSON.stringify([memberId, type]);
          const count = counts.get(key) ?? { memberId, type, actors: 0 };
          counts.set(key, { ...count, actors: count.actors + 1 });
        }
        if (rows.length < mostCounted) return [...counts.values()];
        after = rows.at(-1)?.actorKey ?? noKey;
      }
    },
  };
}

/** Owners that one statement reads to count them. */
const mostCounted = 1000;

/** No member's. */
const noKey = Buffer.alloc(0);

function memberFrom(bytes: Buffer): ActorMember {
  return JSON.parse(bytes.toString()) as ActorMember;
}

/** A row that tells of no owner is kept that long, so that fences grow even where the clock has been put back. */
const forgetMs = 86_400_000;
/** Rows that one look takes in, and claims from one look to the next: a table shrinks faster than it can grow. */
const rowsPerLook = 256;
const claimsPerLook = 64;

/** Removes rows of owners in passing, so that no call waits for many. */
function createSweep(tables: OwnershipTables): (options: CallOptions) => Promise<void> {
  let claims = 0;
  let after: Buffer = noKey;
  return async (options) => {
    if (++claims % claimsPerLook !== 0) return;
    try {
      const rows = await tables.ownersAfter(after, rowsPerLook, forgetMs, options);
      after = rows.length < rowsPerLook ? noKey : (rows.at(-1)?.actorKey ?? noKey);
      const old = rows.filter(({ isOld }) => isOld).map(({ actorKey }) => actorKey);
      if (old.length > 0) await tables.removeOwners(old, forgetMs, options);
    } catch {
      // The claim that came along has succeeded; the rows are seen again in the next round.
    }
  };
}
