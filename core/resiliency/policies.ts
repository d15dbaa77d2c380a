import type { Kind } from "#core/ports/manifest.ts";
import type { Clock, Log } from "#core/ports/platform.ts";
import type { PolicyNames, ResiliencyDocument, RetryPolicy } from "#core/resources/resiliency.ts";
import type { Meter } from "#core/telemetry/meter.ts";
import type { BuiltInPolicy } from "./built-in.ts";
import { builtInRetry } from "./built-in-retry.ts";
import { type CircuitBreaker, createCircuitBreaker } from "./circuit-breaker.ts";
import {
  defaultNames,
  type Direction,
  type PolicyType,
  type TargetKind,
  typeNameOf,
} from "./default-names.ts";
import { type Guard, nest } from "./guard.ts";
import { createLru } from "./lru.ts";
import { mergePolicies } from "./merge.ts";
import { observe } from "./observe.ts";
import { createRetry } from "./retry.ts";
import { createTimeout } from "./timeout.ts";
import { compileTrip } from "#core/resources/trip.ts";

/** The policies of one app. Breakers remember; everything else is made of documents. */
export interface Resiliency {
  /** For calls to an app, an HTTPEndpoint or a URL; each method of it has a breaker of its own. `undefined` where no policy counts. */
  app(target: string, method: string): Guard | undefined;
  /** True when documents name the target: the built-in retries do not count then. */
  namesApp(target: string): boolean;
  component(name: string, kind: Kind, direction: Direction): Guard | undefined;
  /** Before the actor's turn is waited for: retry and breaker. */
  actorBefore(type: string, id: string): Guard | undefined;
  /** In the actor's turn: the timeout. */
  actorDuring(type: string): Guard | undefined;
  /** True when calls to the target may be made again, so that their bodies have to be kept. */
  repeatsApp(target: string): boolean;
  builtIn(name: BuiltInPolicy): Guard;
}
export interface ResiliencyDeps {
  readonly namespace: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly meter: Meter | undefined;
}

const endpointBreakers = 100;
const actorBreakers = 5000;
/** Targets come from callers, who may name any. */
const mostTargets = 1000;

/** Throws for a breaker whose `trip` is not valid CEL over the counts. */
export function createResiliency(
  documents: readonly ResiliencyDocument[],
  deps: ResiliencyDeps,
): Resiliency {
  const merged = mergePolicies(documents, deps.log);
  const { clock, log, namespace, meter } = deps;
  for (const { name } of documents) meter?.count("resiliency_loaded", { name, namespace });
  const trips = new Map(
    [...merged.circuitBreakers].map(([name, { trip }]) => [name, compileTrip(trip)]),
  );

  /** The target's own names, or the default ones where it has no entry at all. */
  function namesFor(own: PolicyNames | undefined, kind: TargetKind): PolicyNames {
    if (own) return own;
    const pick = (type: PolicyType, among: ReadonlyMap<string, unknown>): string | undefined =>
      defaultNames(kind, type).find((name) => among.has(name));
    const timeout = pick("Timeout", merged.timeouts);
    const retry = pick("Retry", merged.retries);
    const circuitBreaker = pick("CircuitBreaker", merged.circuitBreakers);
    return {
      ...(timeout === undefined ? {} : { timeout }),
      ...(retry === undefined ? {} : { retry }),
      ...(circuitBreaker === undefined ? {} : { circuitBreaker }),
    };
  }
  /** The three of one target; the breaker may differ from endpoint to endpoint. */
  function partsOf(names: PolicyNames, of: PolicyTarget): Parts {
    const { target, direction, nameOf, hasStatuses = true } = of;
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
  }

  const apps = createLru<string, AppPolicy>(mostTargets);
  function appPolicy(target: string): AppPolicy {
    const own = merged.apps.get(target);
    const parts = partsOf(namesFor(own, "app"), {
      target: `app_${target}`,
      direction: "outbound",
      nameOf: (method) => `endpoint[${target}, ${target}:${method}]`,
    });
    const breakers = createLru<string, Guard | undefined>(
      own?.circuitBreakerCacheSize || endpointBreakers,
    );
    const repeats = parts.retry !== undefined;
    if (!parts.breaker) {
      const guard = nest([parts.retry, parts.timeout]);
      if (!guard || !repeats) return { repeats, guard: () => guard };
      return { repeats, guard: (method) => (run, options) => guard(run, options, method) };
    }
    return {
      repeats,
      guard: (method) =>
        breakers(method, () => {
          const breaker = parts.breaker?.(`${target}:${method}`).guard;
          const guard = nest([parts.retry, breaker, parts.timeout]);
          return guard && ((run, options) => guard(run, options, method));
        }),
    };
  }

  const actorTypes = createLru<string, ActorPolicy>(mostTargets);
  function actorPolicy(type: string): ActorPolicy {
    const own = merged.actors.get(type);
    const parts = partsOf(namesFor(own, "actor"), {
      target: `actor_${type}`,
      direction: "outbound",
      nameOf: (id) => `actor[${type}, ${id}]`,
    });
    const breakers = createLru<string, Guard | undefined>(
      own?.circuitBreakerCacheSize || actorBreakers,
    );
    const perType = (own?.circuitBreakerScope ?? "type") === "type";
    return {
      during: parts.timeout,
      before: (id) =>
        parts.breaker
          ? breakers(perType ? "" : id, () => nest([parts.retry, parts.breaker?.(type).guard]))
          : parts.retry,
    };
  }

  /** Dapr: both directions of a component share one breaker. */
  const componentBreakers = new Map<string, CircuitBreaker>();
  const components = new Map<string, Guard | undefined>();
  function componentGuard(name: string, kind: Kind, direction: Direction): Guard | undefined {
    const own = merged.components.get(name)?.[direction];
    const names = namesFor(own, { kind, direction });
    const parts = partsOf(names, {
      target: `${typeNameOf(kind)}_${name}`,
      direction,
      nameOf: () => `component[${name}] ${direction === "inbound" ? "input" : "output"}`,
      // Dapr: of components only brokers, and what apps answer, have statuses to compare.
      hasStatuses: kind === "pubsub" || direction === "inbound",
    });
    let breaker: CircuitBreaker | undefined;
    if (parts.breaker) {
      const key = JSON.stringify([name, names.circuitBreaker]);
      breaker = componentBreakers.get(key) ?? parts.breaker(`${names.circuitBreaker}-${name}`);
      componentBreakers.set(key, breaker);
    }
    return nest([parts.retry, breaker?.guard, parts.timeout]);
  }

  return {
    app: (target, method) => apps(target, appPolicy).guard(method),
    repeatsApp: (target) => apps(target, appPolicy).repeats,
    namesApp: (target) => merged.apps.has(target),
    component: (name, kind, direction) => {
      const key = JSON.stringify([name, kind, direction]);
      if (!components.has(key)) components.set(key, componentGuard(name, kind, direction));
      return components.get(key);
    },
    actorBefore: (type, id) => actorTypes(type, actorPolicy).before(id),
    actorDuring: (type) => actorTypes(type, actorPolicy).during,
    builtIn: (name) => builtInRetry(name, deps, merged.retries.get(name)),
  };
}

function withoutMatching({ matching: _, ...retry }: RetryPolicy): RetryPolicy {
  return retry;
}

interface PolicyTarget {
  /** As metrics name it. */
  readonly target: string;
  readonly direction: Direction;
  /** As the log names what is done, by the method of the target. */
  nameOf(method: string): string;
  /** False: whatever fails is tried again. */
  readonly hasStatuses?: boolean;
}
interface Parts {
  readonly retry: Guard | undefined;
  readonly timeout: Guard | undefined;
  readonly breaker: ((endpoint: string) => CircuitBreaker) | undefined;
}
interface AppPolicy {
  readonly repeats: boolean;
  guard(method: string): Guard | undefined;
}
interface ActorPolicy {
  readonly during: Guard | undefined;
  before(id: string): Guard | undefined;
}
