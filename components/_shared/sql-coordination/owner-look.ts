import type { SqlRow } from "#components/_shared/sql/database.ts";
import type { OwnerLook } from "./tables.ts";

/** From the columns `now`, `claimant`, `fence`, `member_key`, `member` and `is_over`. */
export function lookFrom(row: SqlRow): OwnerLook {
  const fence = row["fence"];
  const member = row["member"] as Buffer | null;
  return {
    nowMicros: Number(row["now"]),
    claimant: (row["claimant"] as Buffer | null) ?? undefined,
    fence: fence === null ? undefined : Number(fence),
    owner: member
      ? { memberKey: row["member_key"] as Buffer, member, isOver: Boolean(row["is_over"]) }
      : undefined,
  };
}

/** From the columns `actor_key`, `actor` and `member`. */
export function ownedFrom(row: SqlRow): {
  readonly actorKey: Buffer;
  readonly actor: Buffer;
  readonly member: Buffer;
} {
  return {
    actorKey: row["actor_key"] as Buffer,
    actor: row["actor"] as Buffer,
    member: row["member"] as Buffer,
  };
}
