import { ComponentError } from "#core/errors/component-error.ts";

/** Primary result codes of SQLite. */
const busy = 5;
const locked = 6;
const readOnly = 8;
const corrupt = 11;
const notADatabase = 26;
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

/** What a user can do about a database that cannot be opened; `undefined` where SQLite does not say why. */
export function adviceFor(reason: unknown): string | undefined {
  switch (resultCode(reason)) {
    case 0:
      return undefined;
    case busy:
    case locked:
      return "another process holds it: end that process, or raise busyTimeout";
    case readOnly:
      return "let this process write to it and to its directory";
    case corrupt:
      return "restore it from a backup, or name another file";
    case notADatabase:
      return "it was not made by SQLite: name another file";
    default:
      return "check that its directory exists and may be written to";
  }
}

/** SQLite's failure by kind: `unavailable` when the database cannot be reached now, `rejected` when it refuses the request. */
export function failureOf(reason: unknown): unknown {
  const code = resultCode(reason);
  if (code === 0 || !(reason instanceof Error)) return reason;
  return new ComponentError(outOfReach.has(code) ? "unavailable" : "rejected", reason.message, {
    cause: reason,
  });
}
