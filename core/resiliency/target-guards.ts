import type { Clock, Log } from "#core/ports/platform.ts";
import type { PolicyNames, RetryPolicy } from "#core/resources/resiliency.ts";
import { compileTrip } from "#core/resources/trip.ts";
import type { Meter } from "#core/telemetry/meter.ts";
import { type CircuitBreaker, createCircuitBreaker } from "./circuit-breaker.ts";
import type { Direction } from "./policy-names.ts";
import type { Guard } from "./guard.ts";
import type { MergedPolicies } from "./merge.ts";
import { observe } from "./observe.ts";
import { createRetry } from "./retry.ts";
import { createTimeout } from "./timeout.ts";

/** What policies are in force for. */
export interface PolicyTarget {
  /** As metrics name it. */
  readonly target: string;
  readonly direction: Direction;
  /** As the log names what is done, by the method of the target. */
  nameOf(method: string): string;
  /** False: whatever fails is tried again. */
  readonly hasStatuses?: boolean;
}
/** The guards of one target; the breaker may differ from endpoint to endpoint. */
export interface TargetGuards {
  readonly retry: Guard | undefined;
  readonly timeout: Guard | undefined;
  readonly breaker: ((endpoint: string) => CircuitBreaker) | undefined;
}
/** Makes guards of the policies with these names. */
export type TargetGuardFactory = (names: PolicyNames, of: PolicyTarget) => TargetGuards;
export interface ResiliencyDeps {
  readonly namespace: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly meter: Meter | undefined;
}

/** Throws for a breaker whose `trip` is not valid CEL over the counts. */
export function createTargetGuards(
  merged: MergedPolicies,
  { clock, log, namespace, meter }: ResiliencyDeps,
): TargetGuardFactory {
  const trips = new Map(
    [...merged.circuitBreakers].map(([name, { trip }]) => [name, compileTrip(trip)]),
  );
  return (names, { target, direction, nameOf, hasStatuses = true }) => {
    const told = observe(meter, { name: merged.name, namespace, target, direction });
    const timeoutMs = merged.timeouts.get(names.timeout ?? "") ?? 0;
    const given = merged.retries.get(names.retry ?? "");
    const retry = given && !hasStatuses ? withoutMatching(given) : given;
    const settings = merged.circuitBreakers.get(names.circuitBreaker ?? "");
    const trip = trips.get(names.circuitBreaker ?? "");
    return {
      retry:
        retry && told.retry((retrying) => createRetry({ ...retry, nameOf, clock, log, retrying })),
      timeout:
        timeoutMs > 0
          ? told.timeout((activated) => createTimeout(timeoutMs, clock, activated))
          : undefined,
      breaker:
        settings && trip
          ? (endpoint) =>
              told.breaker((changed) =>
                createCircuitBreaker({ ...settings, trips: trip }, clock, (state, from) => {
                  log.info(`Circuit breaker "${endpoint}" changed state from ${from} to ${state}`);
                  changed(state);
                }),
              )
          : undefined,
    };
  };
}

function withoutMatching({ matching: _, ...retry }: RetryPolicy): RetryPolicy {
  return retry;
}
