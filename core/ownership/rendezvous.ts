import type { ActorKey, ActorMember } from "#core/ports/ownership.ts";

/**
 * The member that should own an actor, of those given: rendezvous hashing, so that a member that comes or goes moves no
 * actor but those that become or were its own. `undefined` where there is none.
 */
export function preferredMember(
  members: readonly ActorMember[],
  { type, id }: ActorKey,
): ActorMember | undefined {
  if (members.length < 2) return members[0];
  const actor = mixed(hashOf(id, hashOf(type, seed)));
  let best: ActorMember | undefined;
  let bestScore = -1;
  for (const member of members) {
    const score = mixed(actor ^ memberHash(member));
    if (score > bestScore || (score === bestScore && best && member.id < best.id)) {
      best = member;
      bestScore = score;
    }
  }
  return best;
}

const hashes = new WeakMap<ActorMember, number>();
function memberHash(member: ActorMember): number {
  let hash = hashes.get(member);
  if (hash === undefined) hashes.set(member, (hash = mixed(hashOf(member.id, seed))));
  return hash;
}

const seed = 0x811c9dc5;
/** FNV-1a over UTF-16 code units: every runtime of a group must agree on it. */
function hashOf(text: string, start: number): number {
  let hash = start;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash;
}
/** Spreads every bit over all: MurmurHash3's last step. Unsigned. */
function mixed(value: number): number {
  let hash = value;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
