import { ComponentError } from "#core/errors/component-error.ts";

/** Primary result codes of SQLite. */
const busy = 5;
const locked = 6;
const outOfReach: ReadonlySet<number> = new Set([busy, locked, 7, 10, 11, 13, 14]);

function resultCode(reason: unknown): number {
  if (!(reason instanceof Error) || !("errcode" in reason)) return 0;
  return typeof reason.errcode === "number" ? reason.errcode & 0xff : 0;
}

/** True when another connection holds the database: to try again later is right. */
export function isBusy(reason: unknown): boolean {
  const code = resultCode(reason);
  return code === busy || code === locked;
}

/** SQLite's failure by kind: `unavailable` when the database cannot be reached now, `rejected` when it refuses the request. */
export function failureOf(reason: unknown): unknown {
  const code = resultCode(reason);
  if (code === 0 || !(reason instanceof Error)) return reason;
  return new ComponentError(outOfReach.has(code) ? "unavailable" : "rejected", reason.message, {
    cause: reason,
  });
}
