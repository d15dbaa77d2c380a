import type { DueTables, TakenRow } from "#components/_shared/sql-coordination/tables.ts";
import type { Database } from "#components/_shared/sql/database.ts";
import { byQueue, columns, noClaim, placesOf, replacing } from "./due-rows.ts";
import { countDue, takeFrom } from "./due-takes.ts";
import { listOf } from "./placeholders.ts";
import { transaction } from "./transaction.ts";

const nothing = Buffer.alloc(0);

export function createDueClaims({ run }: Database): Pick<DueTables, "take" | "hold" | "complete"> {
  return {
    take: (queueKeys, { now, until, limit, claim }, options) =>
      run(async (session) => {
        const wanted = await countDue(session, queueKeys, now, limit);
        return transaction(session, async () => {
          const taken: TakenRow[] = [];
          for (const { queueKey, rows } of wanted)
            taken.push(...(await takeFrom(session, queueKey, { now, until, limit: rows, claim })));
          return taken;
        });
      }, options),
    hold: (claims, until, options) =>
      run(
        (session) =>
          transaction(session, async () => {
            const places = await placesOf(session, claims);
            const held = claims.filter((_, place) => places.has(place));
            for (const { queueKey, itemKeys } of byQueue(held)) {
              const text = `UPDATE outrigger_due SET next_at = ?
                WHERE queue_key = ? AND item_key IN ${listOf(itemKeys)}`;
              await session.query(text, [until, queueKey, ...itemKeys]);
            }
            return places;
          }),
        options,
      ),
    complete: (claims, options) =>
      run(
        (session) =>
          transaction(session, async () => {
            const places = await placesOf(session, claims);
            const ended = claims.filter((_, place) => places.has(place));
            for (const { queueKey, itemKeys } of byQueue(ended.filter(({ next }) => !next))) {
              const text = `DELETE FROM outrigger_due
                WHERE queue_key = ? AND item_key IN ${listOf(itemKeys)}`;
              await session.query(text, [queueKey, ...itemKeys]);
            }
            const rows = ended.flatMap(({ queueKey, itemKey, next }) =>
              next
                ? [
                    [
                      queueKey,
                      itemKey,
                      nothing,
                      nothing,
                      next.dueAt,
                      next.dueAt,
                      noClaim,
                      next.data,
                    ],
                  ]
                : [],
            );
            if (rows.length === 0) return places;
            // All of them are there, and locked.
            const lists = rows.map(listOf).join(", ");
            const text = `INSERT INTO outrigger_due ${columns} VALUES ${lists} ${replacing}`;
            await session.query(text, rows.flat());
            return places;
          }),
        options,
      ),
  };
}
