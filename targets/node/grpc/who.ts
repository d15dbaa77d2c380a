import type { App } from "#core/kernel/app.ts";
import { errorOfHttpStatus } from "#core/errors/status-codes.ts";
import {
  type AppFinder,
  isRejection,
  type Rejection,
  type PresentedCredentials,
} from "../listen/app-finder.ts";

/**
 * Whose call it is; throws, or rejects with, the `ApiError` for a call that is nobody's. `elsewhere` is told of one that
 * another process may know.
 */
export function appOf(
  who: App | AppFinder,
  shown: Omit<PresentedCredentials, "isOpen">,
  elsewhere: () => void = () => {},
): App | Promise<App> {
  if (typeof who !== "function") return who;
  const found = who({ ...shown, isOpen: false });
  return found instanceof Promise
    ? found.then((later) => orThrow(later, elsewhere))
    : orThrow(found, elsewhere);
}

/** Who shows a token where there are several apps is found by it, or not at all. */
export function isAuthenticated(who: App | AppFinder, token: string | undefined): boolean {
  return typeof who === "function" && token !== undefined;
}

function orThrow(found: App | Rejection, elsewhere: () => void): App {
  if (!isRejection(found)) return found;
  if (found.mayBeElsewhere) elsewhere();
  throw errorOfHttpStatus(found.status, found.message);
}
