import type { Workload } from "#core/identity/workload.ts";
import type { App } from "#core/kernel/app.ts";

/** A call as it reaches the callee's side, whichever way it came. */
export interface Received {
  /** Who it is proven to be; `undefined`: nobody knows. */
  readonly caller: Workload | undefined;
  /** Cleaned: what is judged is what the app gets. */
  readonly method: string;
  /** Empty for gRPC's. */
  readonly verb: string;
}

/** Why the app's access control turns the call away; `undefined` where it lets it in. */
export function turnedAway(callee: App, { caller, method, verb }: Received): string | undefined {
  return callee.policies.accessControl?.refuse({
    caller,
    operation: method,
    verb: verb || "NONE",
  });
}
