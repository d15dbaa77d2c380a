import type { CallOptions } from "#core/ports/component.ts";

/** Statements on members and owners. Each is atomic by itself; all times are the clock of the database. */
export interface OwnershipTables {
  putMember(
    row: { readonly memberKey: Buffer; readonly groupKey: Buffer; readonly member: Buffer },
    leaseMs: number,
    options: CallOptions,
  ): Promise<void>;
  /** Only leases that run still. */
  renew(memberKeys: readonly Buffer[], leaseMs: number, options: CallOptions): Promise<void>;
  removeMember(memberKey: Buffer, options: CallOptions): Promise<void>;
  removeEnded(groupKey: Buffer, options: CallOptions): Promise<void>;
  living(groupKey: Buffer, options: CallOptions): Promise<readonly Buffer[]>;
  /** All that a claim depends on, at one moment. */
  look(actorKey: Buffer, claimantKey: Buffer, options: CallOptions): Promise<OwnerLook>;
  /** False where there is a row of that actor by now. The next answers false where it has another fence. */
  addOwner(row: OwnerRow & { readonly actor: Buffer }, options: CallOptions): Promise<boolean>;
  changeOwner(row: OwnerRow, oldFence: number, options: CallOptions): Promise<boolean>;
  release(
    claims: ReadonlyArray<{ readonly actorKey: Buffer; readonly fence: number }>,
    options: CallOptions,
  ): Promise<void>;
  /** What members of the group own whose lease runs, in the order of the actors' keys. */
  ownedAfter(
    groupKey: Buffer,
    actorKey: Buffer,
    limit: number,
    options: CallOptions,
  ): Promise<
    ReadonlyArray<{ readonly actorKey: Buffer; readonly actor: Buffer; readonly member: Buffer }>
  >;
  /** Rows of all groups in the order of their keys, and whether each has neither a member nor been touched of late. */
  ownersAfter(
    actorKey: Buffer,
    limit: number,
    forgetMs: number,
    options: CallOptions,
  ): Promise<ReadonlyArray<{ readonly actorKey: Buffer; readonly isOld: boolean }>>;
  /** Leaves rows alone that have been touched meanwhile. */
  removeOwners(actorKeys: readonly Buffer[], forgetMs: number, options: CallOptions): Promise<void>;
}

export interface OwnerRow {
  readonly actorKey: Buffer;
  readonly memberKey: Buffer;
  readonly fence: number;
}
export interface OwnerLook {
  readonly nowMicros: number;
  /** `undefined`: it has no lease. */
  readonly claimant: Buffer | undefined;
  /** The greatest fence of the actor; `undefined` where there is no row. */
  readonly fence: number | undefined;
  /** Whose row is there still. While it is, that member can renew, even if its lease is over. */
  readonly owner:
    | { readonly memberKey: Buffer; readonly member: Buffer; readonly isOver: boolean }
    | undefined;
}

/** What leads to an entry's row. */
export interface DueId {
  readonly queueKey: Buffer;
  readonly itemKey: Buffer;
}
export interface DueValue {
  readonly dueAt: number;
  readonly data: Buffer;
}
export interface DueRow extends DueId, DueValue {
  readonly queue: Buffer;
  /** Owner and name (`encodeKey`). */
  readonly item: Buffer;
}
export interface TakenRow extends DueValue {
  readonly queueKey: Buffer;
  readonly item: Buffer;
  /** Since when it was due, or its former claim over. */
  readonly since: number;
}
export interface ClaimedId extends DueId {
  readonly claim: string;
}
/** Items of one queue, from `low` to before `high`. */
export interface ItemRange {
  readonly queueKey: Buffer;
  readonly low: Buffer;
  readonly high: Buffer;
}
export type ItemRow = { readonly item: Buffer } & Partial<DueValue>;

/** Statements on due entries. Each is atomic by itself, and led to its rows by an index. */
export interface DueTables {
  /** All of one batch differ in their ids. Answers for each whether it has been put. */
  put(
    rows: readonly DueRow[],
    overwrite: boolean,
    options: CallOptions,
  ): Promise<readonly boolean[]>;
  /** Answers false where the entry has another value by now, or is claimed. */
  reschedule(id: DueId, from: DueValue, to: DueValue, options: CallOptions): Promise<boolean>;
  get(id: DueId, options: CallOptions): Promise<DueValue | undefined>;
  /** Answers how many there were. */
  remove(ids: readonly DueId[], options: CallOptions): Promise<number>;
  /** When the first entry of each queue is due, or its claim ends; without those that have none. */
  heads(
    queueKeys: readonly Buffer[],
    options: CallOptions,
  ): Promise<ReadonlyArray<{ readonly queueKey: Buffer; readonly at: number }>>;
  /** Claims up to `limit` entries that are due at `now`, those due longest, and that nobody else is claiming. */
  take(
    queueKeys: readonly Buffer[],
    to: {
      readonly now: number;
      readonly until: number;
      readonly limit: number;
      readonly claim: string;
    },
    options: CallOptions,
  ): Promise<readonly TakenRow[]>;
  /** Answers which of the claims hold still, by their places in the list. The same of the next one. */
  hold(
    claims: readonly ClaimedId[],
    until: number,
    options: CallOptions,
  ): Promise<ReadonlySet<number>>;
  complete(
    claims: ReadonlyArray<ClaimedId & { readonly next?: DueValue | undefined }>,
    options: CallOptions,
  ): Promise<ReadonlySet<number>>;
  /** By key, or by item: that is for long items of one crowd, which have to be sorted. */
  items(
    range: ItemRange,
    by: "key" | "item",
    to: { readonly limit: number; readonly withValues: boolean },
    options: CallOptions,
  ): Promise<readonly ItemRow[]>;
}
