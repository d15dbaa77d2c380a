import type { CallOptions } from "./component.ts";

/** A replica of an app, while its runtime keeps its lease: it may own actors. */
export interface ActorMember {
  /** Unique to this run of the replica: one that starts again, or loses its lease, is another member. */
  readonly id: string;
  readonly namespace: string;
  readonly appId: string;
  /** `host:port` at which other runtimes reach it. */
  readonly address: string;
  /** The actor types that it hosts. */
  readonly types: readonly string[];
}

/** One actor. Type and id are any text; no separator may be assumed to be absent from them. */
export interface ActorKey {
  readonly namespace: string;
  readonly type: string;
  readonly id: string;
}

/** Who owns an actor, and since which claim. */
export interface ActorClaim {
  readonly owner: ActorMember;
  /**
   * A positive safe integer that grows with each change of the owner of that actor, whatever has been released or lost
   * in between. A store that has seen it refuses writes that carry a smaller one.
   */
  readonly fence: number;
}

/** How many actors of one type a member owns. */
export interface ActorCount {
  readonly memberId: string;
  readonly type: string;
  /** 1 or more. */
  readonly actors: number;
}

/**
 * Who may run which actor. At any time an actor has at most one owner whose lease has not run out. Leases are measured
 * by the store's own clock, so that the clocks of members do not matter; what a member believes of its own lease it
 * measures with its monotonic clock from before it asked.
 */
export interface Ownership {
  /**
   * Adds the member, or replaces its types and address, and gives it a lease of `leaseMs`. Durable when it resolves.
   */
  join(member: ActorMember, leaseMs: number, options: CallOptions): Promise<void>;
  /**
   * Prolongs the leases of those ids that have one still, and answers every member whose lease runs, of all namespaces.
   * An id that is not in the answer has lost its lease, and with it all its actors; only `join` under another id helps.
   * No ids: only asks.
   */
  renew(
    ids: readonly string[],
    leaseMs: number,
    options: CallOptions,
  ): Promise<readonly ActorMember[]>;
  /** Ends the membership: all that it owns is free at once. Unknown ids are fine. */
  leave(id: string, options: CallOptions): Promise<void>;
  /**
   * Takes an actor that no other living member owns, and answers who owns it then: the one that asked, or another. Who
   * asks again gets the same fence, unless it has to exceed `above`.
   * @throws ComponentError `rejected` when `memberId` has no lease.
   */
  claim(
    actor: ActorKey,
    memberId: string,
    options: CallOptions & { readonly above?: number },
  ): Promise<ActorClaim>;
  /** Gives up actors that are still owned by that claim; others are left alone. */
  release(
    claims: ReadonlyArray<{ readonly actor: ActorKey; readonly fence: number }>,
    options: CallOptions,
  ): Promise<void>;
  /** Who owns the actor; `undefined` for nobody, also where the owner's lease has run out. */
  ownerOf(actor: ActorKey, options: CallOptions): Promise<ActorClaim | undefined>;
  /**
   * How many actors members own whose lease runs, of all namespaces, in no order; a member and a type without any are
   * left out. For people who look: it may read every owner of the group, in steps that keep nobody else waiting. So what
   * is claimed or released meanwhile is counted or not.
   */
  counts(options: CallOptions): Promise<readonly ActorCount[]>;
}
