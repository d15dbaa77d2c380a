import { type Api, isAllowed } from "#core/access-control/api-lists.ts";
import type { App } from "#core/kernel/app.ts";
import type { Budget, Shortage } from "#core/budget/budget.ts";
import type { Exemptions } from "#core/kernel/operation.ts";
import { type Arrival, needsToken, tokenFault, type TokenFault } from "./token.ts";

/** Why a call goes no further. Each wire has its own words for it. */
export type Refusal =
  | { readonly why: "api" }
  | { readonly why: "token"; readonly fault: TokenFault }
  | { readonly why: "budget"; readonly short: Shortage };

/** What the gate needs to know of a call beside who makes it. */
export interface Asking {
  /** What of the API it is; absent where that is not known yet, or it is none of Dapr's. */
  readonly api?: Api | undefined;
  readonly exempt?: Exemptions | undefined;
  /** Of the request's body, as far as they are known. */
  readonly bytes: number;
  /** A call of which more is to come; it counts as an open stream of the budget. */
  readonly isStream: boolean;
}
/** Gives back what an admitted call has taken of the app's budget; to be called once. */
export type Leave = () => void;
export type Admission = Leave | Refusal;

/**
 * What stands before every call of an app, on every wire, in this order: API lists, API token, budget. Answers at once
 * where it can: a turn of the event loop for each call would be felt.
 */
export function admit(arrival: Arrival, asking: Asking): Admission | Promise<Admission> {
  const { app } = arrival;
  if (isDenied(app, asking.api)) return { why: "api" };
  const fault = asking.exempt?.token ? undefined : tokenFault(arrival);
  if (fault === undefined) return enter(app, asking);
  if (fault instanceof Promise)
    return fault.then((found) =>
      found === undefined ? enter(app, asking) : { why: "token", fault: found },
    );
  return { why: "token", fault };
}

/**
 * Lets a call in of which nothing is asked, as most are, without a word more; false where `admit` has to be asked. Of API
 * lists it knows nothing.
 */
export function admitAtOnce(app: App, isAuthenticated: boolean | undefined): boolean {
  const { budget, loop } = app.policies;
  if (budget || needsToken(app, isAuthenticated)) return false;
  loop?.note(0);
  return true;
}

/** True for what the app's API lists keep out. */
export function isDenied({ policies: { apiLists } }: App, api: Api | undefined): boolean {
  return apiLists !== undefined && api !== undefined && !isAllowed(apiLists, api);
}

/** Of calls that have taken nothing. */
export const nothingTaken: Leave = () => {};

/** Work of an app counts for those that share the event loop with it, whether its own part is limited or not. */
function enter(
  { policies: { budget, loop } }: App,
  { exempt, bytes, isStream }: Asking,
): Admission | Promise<Admission> {
  loop?.note(bytes);
  if (!budget || exempt?.budget) return nothingTaken;
  const short = budget.enter(bytes);
  if (short) return refuse(budget, short, bytes);
  const noStream = isStream ? budget.openStream() : undefined;
  if (noStream) {
    budget.leave(bytes);
    return refuse(budget, noStream, bytes);
  }
  return () => {
    budget.leave(bytes);
    if (isStream) budget.closeStream();
  };
}

/** Where there are many to refuse, each hears of it in its turn. */
function refuse(budget: Budget, short: Shortage, bytes: number): Refusal | Promise<Refusal> {
  const refusal: Refusal = { why: "budget", short };
  return budget.holdBack(bytes)?.then(() => refusal) ?? refusal;
}
