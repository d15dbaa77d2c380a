import { ComponentError } from "#core/errors/component-error.ts";
import type { SqlResult } from "#components/_shared/sql/database.ts";

/**
 * Whether the rows of `outrigger_metadata` say that the tables of coordination have been made.
 * @throws ComponentError `rejected` when they were made by a version that this one does not get along with.
 */
export function checkTableVersion(rows: SqlResult["rows"], version: number): boolean {
  const values = new Map(rows.map(({ key, value }) => [String(key), String(value)]));
  const oldest = Number(values.get("coordination-oldest-version") ?? 0);
  if (oldest > version)
    throw new ComponentError(
      "rejected",
      `The tables were made by a later version of Outrigger, which does not get along with this one; upgrade this one as well (it knows tables of version ${version}, and needs ${oldest})`,
    );
  return values.has("coordination-version");
}
