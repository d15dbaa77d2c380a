import { type Guard, nest } from "./guard.ts";
import { createLru } from "./lru.ts";
import type { TargetGuards } from "./target-guards.ts";

/** The policies of calls to actors of one type. */
export interface ActorPolicy {
  readonly during: Guard | undefined;
  before(id: string): Guard | undefined;
}

/** `scope`: whose failures a breaker counts. */
export function actorPolicy(
  type: string,
  { retry, timeout, breaker }: TargetGuards,
  scope: "type" | "id" | "both",
  mostBreakers: number,
): ActorPolicy {
  const breakers = createLru<string, Guard | undefined>(mostBreakers);
  const perType = scope === "type";
  return {
    during: timeout,
    before: (id) =>
      breaker ? breakers(perType ? "" : id, () => nest([retry, breaker(type).guard])) : retry,
  };
}
