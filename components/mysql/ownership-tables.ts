import { lookFrom, ownedFrom } from "#components/_shared/sql-coordination/owner-look.ts";
import type { OwnershipTables } from "#components/_shared/sql-coordination/tables.ts";
import type { Database, SqlRow } from "#components/_shared/sql/database.ts";
import { listOf } from "./placeholders.ts";

// In UTC whatever the time zone of the session, which may put its clock back.
const nowMicros = "TIMESTAMPDIFF(MICROSECOND, '1970-01-01', UTC_TIMESTAMP(6))";
const nowMs = `(${nowMicros} DIV 1000)`;

export function createOwnershipTables({ query }: Database): OwnershipTables {
  return {
    putMember: async ({ memberKey, groupKey, member }, leaseMs, options) => {
      const text = `INSERT INTO outrigger_members (member_key, group_key, member, lease_ends)
        VALUES (?, ?, ?, ${nowMs} + ?) ON DUPLICATE KEY UPDATE
        member = VALUES(member), lease_ends = VALUES(lease_ends)`;
      await query(text, [memberKey, groupKey, member, leaseMs], options);
    },
    renew: async (memberKeys, leaseMs, options) => {
      const text = `UPDATE outrigger_members SET lease_ends = ${nowMs} + ?
        WHERE member_key IN ${listOf(memberKeys)} AND lease_ends > ${nowMs}`;
      await query(text, [leaseMs, ...memberKeys], options);
    },
    removeMember: async (memberKey, options) => {
      await query("DELETE FROM outrigger_members WHERE member_key = ?", [memberKey], options);
    },
    removeEnded: async (groupKey, options) => {
      const text = `DELETE FROM outrigger_members WHERE group_key = ? AND lease_ends <= ${nowMs}`;
      await query(text, [groupKey], options);
    },
    living: async (groupKey, options) => {
      const text = `SELECT member FROM outrigger_members
        WHERE group_key = ? AND lease_ends > ${nowMs}`;
      const { rows } = await query(text, [groupKey], options);
      return rows.map(({ member }) => member as Buffer);
    },
    look: async (actorKey, claimantKey, options) => {
      const text = `SELECT ${nowMicros} AS now, c.member AS claimant, o.fence,
          m.member_key, m.member, m.lease_ends <= ${nowMs} AS is_over
        FROM (SELECT 1) AS always
        LEFT JOIN outrigger_members c ON c.member_key = ? AND c.lease_ends > ${nowMs}
        LEFT JOIN outrigger_owners o ON o.actor_key = ?
        LEFT JOIN outrigger_members m ON m.member_key = o.member_key`;
      const { rows } = await query(text, [claimantKey, actorKey], options);
      return lookFrom(rows[0] as SqlRow);
    },
    addOwner: async ({ actorKey, actor, memberKey, fence }, options) => {
      // A row that is there stays as it is.
      const text = `INSERT IGNORE INTO outrigger_owners (actor_key, actor, member_key, fence, touched)
        VALUES (?, ?, ?, ?, ${nowMs})`;
      return (await query(text, [actorKey, actor, memberKey, fence], options)).changes > 0;
    },
    changeOwner: async ({ actorKey, memberKey, fence }, oldFence, options) => {
      const text = `UPDATE outrigger_owners SET member_key = ?, fence = ?, touched = ${nowMs}
        WHERE actor_key = ? AND fence = ?`;
      return (await query(text, [memberKey, fence, actorKey, oldFence], options)).changes > 0;
    },
    release: async (claims, options) => {
      const each = claims.map(() => "(actor_key = ? AND fence = ?)").join(" OR ");
      const text = `UPDATE outrigger_owners SET member_key = NULL, touched = ${nowMs} WHERE ${each}`;
      if (claims.length === 0) return;
      await query(
        text,
        claims.flatMap(({ actorKey, fence }) => [actorKey, fence]),
        options,
      );
    },
    ownedAfter: async (groupKey, actorKey, limit, options) => {
      const text = `SELECT o.actor_key, o.actor, m.member FROM outrigger_owners o
        JOIN outrigger_members m ON m.member_key = o.member_key
        WHERE o.actor_key > ? AND m.group_key = ? AND m.lease_ends > ${nowMs}
        ORDER BY o.actor_key LIMIT ?`;
      return (await query(text, [actorKey, groupKey, limit], options)).rows.map(ownedFrom);
    },
    ownersAfter: async (actorKey, limit, forgetMs, options) => {
      const text = `SELECT actor_key, touched < ${nowMs} - ? AND NOT EXISTS (
          SELECT 1 FROM outrigger_members m WHERE m.member_key = o.member_key) AS is_old
        FROM outrigger_owners o WHERE actor_key > ? ORDER BY actor_key LIMIT ?`;
      const { rows } = await query(text, [forgetMs, actorKey, limit], options);
      return rows.map((row) => ({
        actorKey: row["actor_key"] as Buffer,
        isOld: row["is_old"] === 1,
      }));
    },
    removeOwners: async (actorKeys, forgetMs, options) => {
      const text = `DELETE FROM outrigger_owners
        WHERE actor_key IN ${listOf(actorKeys)} AND touched < ${nowMs} - ?`;
      await query(text, [...actorKeys, forgetMs], options);
    },
  };
}
