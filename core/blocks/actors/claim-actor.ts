import type { MemberLease, Membership } from "#core/ownership/membership.ts";
import { preferredMember } from "#core/ownership/rendezvous.ts";
import type { CallOptions } from "#core/ports/component.ts";
import type { ActorKey, ActorMember, Ownership } from "#core/ports/ownership.ts";

/** Somebody else owns the actor, or should. */
export class ActorMovedError extends Error {
  override readonly name = "ActorMovedError";
  readonly owner: ActorMember;
  constructor(owner: ActorMember) {
    super(`the actor is owned by ${owner.address}`);
    this.owner = owner;
  }
}

export interface Claimant {
  readonly lease: MemberLease;
  readonly membership: Membership;
  readonly ownership: Pick<Ownership, "claim">;
}

/** The other member that should own the actor; `undefined` where it is this one. */
export function betterOwner(
  actor: ActorKey,
  { lease, membership }: Pick<Claimant, "lease" | "membership">,
): ActorMember | undefined {
  const owner = preferredMember(membership.hostsOf(actor.namespace, actor.type), actor);
  return owner && owner.id !== lease.member.id ? owner : undefined;
}

/** Claims the actor for this member, and answers the fence. Throws `ActorMovedError` where it is, or should be, another's. */
export async function claimActor(
  actor: ActorKey,
  claimant: Claimant,
  options: CallOptions,
): Promise<number> {
  const { lease, membership, ownership } = claimant;
  if (betterOwner(actor, claimant)) {
    // Who sent the call here knows something newer, or something older.
    await membership.refresh(options).catch(() => {});
    const better = betterOwner(actor, claimant);
    if (better) throw new ActorMovedError(better);
  }
  const { owner, fence } = await ownership.claim(actor, lease.member.id, options);
  if (owner.id !== lease.member.id) throw new ActorMovedError(owner);
  return fence;
}
