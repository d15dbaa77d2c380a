import { ComponentError } from "#core/errors/component-error.ts";
import type {
  ActorClaim,
  ActorCount,
  ActorKey,
  ActorMember,
  Ownership,
} from "#core/ports/ownership.ts";
import type { CoordinationGroup } from "./coordination-group.ts";
import * as scripts from "./ownership-scripts.ts";

/** Claims that one script releases, so that none keeps the server from others for long. */
const mostReleases = 500;

/** Owners that one step of a count reads, about. */
const countPage = "1000";

const fieldOf = ({ namespace, type, id }: ActorKey): string =>
  JSON.stringify([namespace, type, id]);
const memberOf = (json: unknown): ActorMember => JSON.parse(String(json)) as ActorMember;

/** Who owns what, in the five keys that `ownership-scripts.ts` describes. */
export function createOwnership({ key, read, change, send }: CoordinationGroup): Ownership {
  const keys = ["leases", "members", "owners", "fence", "sweep"].map(key);
  const claimOf = (reply: unknown): ActorClaim | undefined => {
    if (!Array.isArray(reply)) return undefined;
    return { fence: Number(reply[0]), owner: memberOf(reply[1]) };
  };
  return {
    join: async (member, leaseMs, options) => {
      await change(
        scripts.join,
        keys,
        [String(leaseMs), member.id, JSON.stringify(member)],
        options,
      );
    },
    renew: async (ids, leaseMs, options) => {
      const run = ids.length > 0 ? change : read;
      const members = await run(scripts.renew, keys, [String(leaseMs), ...ids], options);
      return (members as readonly unknown[]).map(memberOf);
    },
    leave: async (id, options) => {
      await change(scripts.leave, keys, [id], options);
    },
    claim: async (actor, memberId, options) => {
      const args = [fieldOf(actor), memberId, String(options.above ?? 0)];
      const claim = claimOf(await change(scripts.claim, keys, args, options));
      if (!claim)
        throw new ComponentError(
          "rejected",
          `The lease of member "${memberId}" has run out; it has to join again under another id`,
        );
      return claim;
    },
    release: async (claims, options) => {
      for (let i = 0; i < claims.length; i += mostReleases) {
        const args = claims
          .slice(i, i + mostReleases)
          .flatMap(({ actor, fence }) => [fieldOf(actor), String(fence)]);
        await change(scripts.release, keys, args, options);
      }
    },
    ownerOf: async (actor, options) =>
      claimOf(await read(scripts.ownerOf, keys, [fieldOf(actor)], options)),
    counts: async (options) => {
      const living = new Set(
        ((await read(scripts.renew, keys, ["0"], options)) as readonly unknown[]).map(
          (json) => memberOf(json).id,
        ),
      );
      const counts = new Map<string, ActorCount>();
      let cursor = "0";
      do {
        const scan = ["HSCAN", key("owners"), cursor, "COUNT", countPage] as const;
        const [next, flat] = (await send(scan, options)) as [unknown, readonly unknown[]];
        cursor = String(next);
        for (let i = 0; i < flat.length; i += 2) {
          const record = String(flat[i + 1]);
          const memberId = record.slice(record.indexOf(" ") + 1);
          if (!living.has(memberId)) continue;
          const [, type] = JSON.parse(String(flat[i])) as [string, string, string];
          const of = JSON.stringify([memberId, type]);
          counts.set(of, { memberId, type, actors: (counts.get(of)?.actors ?? 0) + 1 });
        }
      } while (cursor !== "0");
      return [...counts.values()];
    },
  };
}
