import { lookFrom, ownedFrom } from "#components/_shared/sql-coordination/owner-look.ts";
import type { OwnershipTables } from "#components/_shared/sql-coordination/tables.ts";
import type { Database, SqlRow } from "#components/_shared/sql/database.ts";

const nowMicros = "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint";
const nowMs = "(extract(epoch FROM clock_timestamp()) * 1000)::bigint";

export function createOwnershipTables({ query }: Database): OwnershipTables {
  return {
    putMember: async ({ memberKey, groupKey, member }, leaseMs, options) => {
      const text = `INSERT INTO outrigger_members (member_key, group_key, member, lease_ends)
        VALUES ($1, $2, $3, ${nowMs} + $4) ON CONFLICT (member_key) DO UPDATE
        SET member = excluded.member, lease_ends = excluded.lease_ends`;
      await query(text, [memberKey, groupKey, member, leaseMs], options);
    },
    renew: async (memberKeys, leaseMs, options) => {
      const text = `UPDATE outrigger_members SET lease_ends = ${nowMs} + $2
        WHERE member_key = ANY($1::bytea[]) AND lease_ends > ${nowMs}`;
      await query(text, [memberKeys, leaseMs], options);
    },
    removeMember: async (memberKey, options) => {
      await query("DELETE FROM outrigger_members WHERE member_key = $1", [memberKey], options);
    },
    removeEnded: async (groupKey, options) => {
      const text = `DELETE FROM outrigger_members WHERE group_key = $1 AND lease_ends <= ${nowMs}`;
      await query(text, [groupKey], options);
    },
    living: async (groupKey, options) => {
      const text = `SELECT member FROM outrigger_members
        WHERE group_key = $1 AND lease_ends > ${nowMs}`;
      const { rows } = await query(text, [groupKey], options);
      return rows.map(({ member }) => member as Buffer);
    },
    look: async (actorKey, claimantKey, options) => {
      const text = `SELECT ${nowMicros} AS now, c.member AS claimant, o.fence,
          m.member_key, m.member, m.lease_ends <= ${nowMs} AS is_over
        FROM (SELECT) AS always
        LEFT JOIN outrigger_members c ON c.member_key = $2 AND c.lease_ends > ${nowMs}
        LEFT JOIN outrigger_owners o ON o.actor_key = $1
        LEFT JOIN outrigger_members m ON m.member_key = o.member_key`;
      const { rows } = await query(text, [actorKey, claimantKey], options);
      return lookFrom(rows[0] as SqlRow);
    },
    addOwner: async ({ actorKey, actor, memberKey, fence }, options) => {
      const text = `INSERT INTO outrigger_owners (actor_key, actor, member_key, fence, touched)
        VALUES ($1, $2, $3, $4, ${nowMs}) ON CONFLICT DO NOTHING`;
      return (await query(text, [actorKey, actor, memberKey, fence], options)).changes > 0;
    },
    changeOwner: async ({ actorKey, memberKey, fence }, oldFence, options) => {
      const text = `UPDATE outrigger_owners SET member_key = $2, fence = $3, touched = ${nowMs}
        WHERE actor_key = $1 AND fence = $4`;
      return (await query(text, [actorKey, memberKey, fence, oldFence], options)).changes > 0;
    },
    release: async (claims, options) => {
      const text = `UPDATE outrigger_owners o SET member_key = NULL, touched = ${nowMs}
        FROM unnest($1::bytea[], $2::bigint[]) AS r (actor_key, fence)
        WHERE o.actor_key = r.actor_key AND o.fence = r.fence`;
      const keys = claims.map(({ actorKey }) => actorKey);
      await query(text, [keys, claims.map(({ fence }) => fence)], options);
    },
    ownedAfter: async (groupKey, actorKey, limit, options) => {
      const text = `SELECT o.actor_key, o.actor, m.member FROM outrigger_owners o
        JOIN outrigger_members m ON m.member_key = o.member_key
        WHERE o.actor_key > $2 AND m.group_key = $1 AND m.lease_ends > ${nowMs}
        ORDER BY o.actor_key LIMIT $3`;
      return (await query(text, [groupKey, actorKey, limit], options)).rows.map(ownedFrom);
    },
    ownersAfter: async (actorKey, limit, forgetMs, options) => {
      const text = `SELECT actor_key, touched < ${nowMs} - $3 AND NOT EXISTS (
          SELECT FROM outrigger_members m WHERE m.member_key = o.member_key) AS is_old
        FROM outrigger_owners o WHERE actor_key > $1 ORDER BY actor_key LIMIT $2`;
      const { rows } = await query(text, [actorKey, limit, forgetMs], options);
      return rows.map((row) => ({
        actorKey: row["actor_key"] as Buffer,
        isOld: row["is_old"] as boolean,
      }));
    },
    removeOwners: async (actorKeys, forgetMs, options) => {
      const text = `DELETE FROM outrigger_owners
        WHERE actor_key = ANY($1::bytea[]) AND touched < ${nowMs} - $2`;
      await query(text, [actorKeys, forgetMs], options);
    },
  };
}
