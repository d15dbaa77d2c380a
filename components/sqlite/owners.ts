import type { DatabaseSync } from "node:sqlite";
import type { ActorClaim, ActorCount, ActorKey } from "#core/ports/ownership.ts";
import { memberColumns, memberOf } from "./members.ts";
import { createSweep } from "./sweep.ts";

/** The statements on the owners of a group's actors, prepared once. All of them are synchronous. */
export interface Owners {
  /** Only where the owner's lease runs at `now`. */
  find(actor: ActorKey, now: number): ActorClaim | undefined;
  /** Makes the member the owner, whoever was; the fence is greater than all before it, and than `above`. */
  take(actor: ActorKey, memberId: string, above: number, now: number): number;
  /** Only where the fence is that one still. */
  release(actor: ActorKey, fence: number, now: number): void;
  /** Of members whose lease runs at `now`. Reads every row of the group. */
  counts(now: number): readonly ActorCount[];
}

/** A row that tells of no owner is kept that long, so that fences grow even where the clock has been put back. */
const forgetMs = 86_400_000;

export function openOwners(db: DatabaseSync, group: string): Owners {
  const key = "group_name = ? AND namespace = ? AND type = ? AND id = ?";
  const find = db.prepare(
    `SELECT ${memberColumns}, o.fence FROM outrigger_owners o
     JOIN outrigger_members m ON m.group_name = o.group_name AND m.id = o.member AND m.lease_ends > ?
     WHERE o.group_name = ? AND o.namespace = ? AND o.type = ? AND o.id = ?`,
  );
  const take = db.prepare(
    `INSERT INTO outrigger_owners (group_name, namespace, type, id, member, fence, touched)
     VALUES (?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (group_name, namespace, type, id) DO UPDATE SET member = excluded.member,
       fence = max(outrigger_owners.fence + 1, excluded.fence), touched = excluded.touched
     RETURNING fence`,
  );
  const release = db.prepare(
    `UPDATE outrigger_owners SET member = NULL, touched = ? WHERE ${key} AND fence = ?`,
  );
  const remove = db.prepare(`DELETE FROM outrigger_owners WHERE ${key}`);
  const counts = db.prepare(
    `SELECT o.member AS member, o.type AS type, count(*) AS actors FROM outrigger_owners o
     JOIN outrigger_members m ON m.group_name = o.group_name AND m.id = o.member AND m.lease_ends > ?
     WHERE o.group_name = ? GROUP BY o.member, o.type`,
  );
  const page = db.prepare(
    `SELECT namespace, type, id, touched, EXISTS (SELECT 1 FROM outrigger_members m
       WHERE m.group_name = o.group_name AND m.id = o.member AND m.lease_ends > ?) AS is_owned
     FROM outrigger_owners o WHERE group_name = ? AND (namespace, type, id) > (?, ?, ?)
     ORDER BY namespace, type, id LIMIT ?`,
  );
  const sweep = createSweep<ActorKey>({
    first: { namespace: "", type: "", id: "" },
    page: ({ namespace, type, id }, limit, now) =>
      page.all(now, group, namespace, type, id, limit).map((row) => ({
        key: {
          namespace: row["namespace"] as string,
          type: row["type"] as string,
          id: row["id"] as string,
        },
        isOld: row["is_owned"] === 0 && (row["touched"] as number) < now - forgetMs,
      })),
    remove: ({ namespace, type, id }) => void remove.run(group, namespace, type, id),
  });
  return {
    find: ({ namespace, type, id }, now) => {
      const row = find.get(now, group, namespace, type, id);
      return row && { owner: memberOf(row), fence: row["fence"] as number };
    },
    take: ({ namespace, type, id }, memberId, above, now) => {
      // Microseconds, so that fences grow also where no row is left to tell of the last one.
      const least = Math.max(above + 1, now * 1000);
      const row = take.get(group, namespace, type, id, memberId, least, now);
      sweep(now);
      return row?.["fence"] as number;
    },
    release: ({ namespace, type, id }, fence, now) =>
      void release.run(now, group, namespace, type, id, fence),
    counts: (now) =>
      counts.all(now, group).map((row) => ({
        memberId: row["member"] as string,
        type: row["type"] as string,
        actors: row["actors"] as number,
      })),
  };
}
