import type { CallOptions } from "./component.ts";

/** What names an entry. All three are any text; no separator may be assumed to be absent from them. */
export interface DueKey {
  /** Those that run it, as one line of waiting: the jobs of one app, the reminders of one actor type. */
  readonly queue: string;
  /** Whose it is within the queue (an actor's id); may be empty. */
  readonly owner: string;
  readonly name: string;
}
export interface DueEntry extends DueKey {
  /** When it is due next: milliseconds since 1970, an integer. */
  readonly dueAt: number;
  /** Whatever whoever put it needs to run it; the store keeps it as it is. */
  readonly data: string;
}
/** An entry that is due, held by one claimant until `heldUntil`: nobody else gets it before. */
export interface ClaimedEntry extends DueEntry {
  /** Names this claim; another claim of the same entry has another one. */
  readonly claim: string;
}

/** Ends a claim: the entry is due again at `next.dueAt`, or gone. */
export interface Completion {
  readonly entry: ClaimedEntry;
  readonly next?: Pick<DueEntry, "dueAt" | "data"> | undefined;
}

/** Which entries: of a queue; of an owner in it; those whose name starts with a prefix. */
export interface DueSelection {
  readonly queue: string;
  readonly owner?: string | undefined;
  /** Compared character by character; nothing in it is a wildcard. */
  readonly namePrefix?: string | undefined;
}

export interface ClaimOptions extends CallOptions {
  /** The claimant's wall clock: entries whose `dueAt`, or whose former claim's end, is not after it are due. */
  readonly now: number;
  /** Entries at most. */
  readonly limit: number;
  /** How long they are held. */
  readonly holdMs: number;
}

/**
 * Durable times at which something is due. An entry that is due is held by whoever claims it, until it is completed or
 * the claim ends: a claimant that dies leaves its entries to the next one. All changes are durable when they resolve.
 * However many entries wait, no call may cost more than what it returns: an index leads to it.
 */
export interface DueTimes {
  /**
   * Puts an entry; one of the same key is replaced where `overwrite` is true, and whoever holds it loses it. Answers
   * false, and changes nothing, where there is one and `overwrite` is false.
   */
  put(entry: DueEntry, overwrite: boolean, options: CallOptions): Promise<boolean>;
  /**
   * Changes when an entry is due, and its data, where it is still as `entry` says: due at that time, with that very data,
   * and held by nobody. Answers false otherwise, and changes nothing. Who has claimed an entry holds it, for this, until
   * it is completed, put or claimed again, also once the claim has ended.
   */
  reschedule(
    entry: DueEntry,
    next: Pick<DueEntry, "dueAt" | "data">,
    options: CallOptions,
  ): Promise<boolean>;
  get(key: DueKey, options: CallOptions): Promise<DueEntry | undefined>;
  /** Removes an entry, held or not; answers whether there was one. */
  delete(key: DueKey, options: CallOptions): Promise<boolean>;
  /** Removes all that are selected, held or not. */
  deleteAll(selection: DueSelection, options: CallOptions): Promise<void>;
  /** Those selected, by owner and then by name; `after` goes on behind the last one of a page. */
  list(
    selection: DueSelection,
    options: CallOptions & { readonly limit: number; readonly after?: DueKey | undefined },
  ): Promise<readonly DueEntry[]>;
  /**
   * Takes entries of the queues that are due, those due longest first. `nextAt`: when the earliest of the rest of these
   * queues is due, or its claim ends; `undefined` where there is no other.
   */
  claim(
    queues: readonly string[],
    options: ClaimOptions,
  ): Promise<{ readonly entries: readonly ClaimedEntry[]; readonly nextAt: number | undefined }>;
  /** Prolongs claims that have not been lost to `until` (wall clock); answers those that hold still. */
  hold(
    entries: readonly ClaimedEntry[],
    until: number,
    options: CallOptions,
  ): Promise<ReadonlySet<string>>;
  /**
   * Ends claims, each by itself; answers for each whether it held still. One that did not (overwritten, deleted, or
   * claimed by another meanwhile) changes nothing.
   */
  complete(completions: readonly Completion[], options: CallOptions): Promise<readonly boolean[]>;
}
