import type { DatabaseSync } from "node:sqlite";
import type { ActorMember } from "#core/ports/ownership.ts";

/** The statements on the members of a group, prepared once. All of them are synchronous. */
export interface Members {
  put(member: ActorMember, leaseEnds: number): void;
  /** Only leases that run at `now`. */
  renew(ids: readonly string[], leaseEnds: number, now: number): void;
  remove(id: string): void;
  removeEnded(now: number): void;
  find(id: string, now: number): ActorMember | undefined;
  alive(now: number): readonly ActorMember[];
}

/** What a member is read from, wherever its table is joined in as `m`. */
export const memberColumns = "m.id, m.namespace, m.app_id, m.address, m.types";

export function openMembers(db: DatabaseSync, group: string): Members {
  const put = db.prepare(
    `INSERT INTO outrigger_members (group_name, id, namespace, app_id, address, types, lease_ends)
     VALUES (?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (group_name, id) DO UPDATE SET namespace = excluded.namespace, app_id = excluded.app_id,
       address = excluded.address, types = excluded.types, lease_ends = excluded.lease_ends`,
  );
  const renew = db.prepare(
    "UPDATE outrigger_members SET lease_ends = ? WHERE group_name = ? AND id = ? AND lease_ends > ?",
  );
  const remove = db.prepare("DELETE FROM outrigger_members WHERE group_name = ? AND id = ?");
  const removeEnded = db.prepare(
    "DELETE FROM outrigger_members WHERE group_name = ? AND lease_ends <= ?",
  );
  const find = db.prepare(
    `SELECT ${memberColumns} FROM outrigger_members m WHERE group_name = ? AND id = ? AND lease_ends > ?`,
  );
  const alive = db.prepare(
    `SELECT ${memberColumns} FROM outrigger_members m WHERE group_name = ? AND lease_ends > ?`,
  );
  return {
    put: ({ id, namespace, appId, address, types }, leaseEnds) =>
      void put.run(group, id, namespace, appId, address, JSON.stringify(types), leaseEnds),
    renew: (ids, leaseEnds, now) => {
      for (const id of ids) renew.run(leaseEnds, group, id, now);
    },
    remove: (id) => void remove.run(group, id),
    removeEnded: (now) => void removeEnded.run(group, now),
    find: (id, now) => {
      const row = find.get(group, id, now);
      return row && memberOf(row);
    },
    alive: (now) => alive.all(group, now).map(memberOf),
  };
}

export function memberOf(row: Readonly<Record<string, unknown>>): ActorMember {
  return {
    id: row["id"] as string,
    namespace: row["namespace"] as string,
    appId: row["app_id"] as string,
    address: row["address"] as string,
    types: JSON.parse(row["types"] as string) as readonly string[],
  };
}
