import type { App } from "#core/app.ts";
import { errorOfHttpStatus } from "#core/errors/status-codes.ts";
import { type AppFinder, isNobodys, type NobodysCall, type Shown } from "../app-finder.ts";

/** Whose call it is; throws, or rejects with, the `ApiError` for a call that is nobody's. */
export function appOf(who: App | AppFinder, shown: Omit<Shown, "isOpen">): App | Promise<App> {
  if (typeof who !== "function") return who;
  const found = who({ ...shown, isOpen: false });
  return found instanceof Promise ? found.then(orThrow) : orThrow(found);
}

function orThrow(found: App | NobodysCall): App {
  if (isNobodys(found)) throw errorOfHttpStatus(found.status, found.message);
  return found;
}
