import type { Kind } from "#core/ports/manifest.ts";
import type { ResiliencyDocument } from "#core/resources/resiliency.ts";
import { type ActorPolicy, actorPolicy } from "./actor-policy.ts";
import { type AppPolicy, appPolicy } from "./app-policy.ts";
import type { BuiltInPolicy } from "./built-in.ts";
import { builtInRetry } from "./built-in-retry.ts";
import type { CircuitBreaker } from "./circuit-breaker.ts";
import { type Direction, policyNames, typeNameOf } from "./policy-names.ts";
import { type Guard, nest } from "./guard.ts";
import { createLru } from "./lru.ts";
import { type MergedPolicies, mergePolicies } from "./merge.ts";
import {
  createTargetGuards,
  type ResiliencyDeps,
  type TargetGuardFactory,
} from "./target-guards.ts";

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
  const { namespace, meter } = deps;
  for (const { name } of documents) meter?.count("resiliency_loaded", { name, namespace });
  const guardsOf = createTargetGuards(merged, deps);

  const apps = createLru<string, AppPolicy>(mostTargets);
  const openApp = (target: string): AppPolicy => {
    const own = merged.apps.get(target);
    const guards = guardsOf(policyNames(own, "app", merged), {
      target: `app_${target}`,
      direction: "outbound",
      nameOf: (method) => `endpoint[${target}, ${target}:${method}]`,
    });
    return appPolicy(target, guards, own?.circuitBreakerCacheSize || endpointBreakers);
  };
  const actorTypes = createLru<string, ActorPolicy>(mostTargets);
  const openActorType = (type: string): ActorPolicy => {
    const own = merged.actors.get(type);
    const guards = guardsOf(policyNames(own, "actor", merged), {
      target: `actor_${type}`,
      direction: "outbound",
      nameOf: (id) => `actor[${type}, ${id}]`,
    });
    return actorPolicy(
      type,
      guards,
      own?.circuitBreakerScope ?? "type",
      own?.circuitBreakerCacheSize || actorBreakers,
    );
  };

  return {
    app: (target, method) => apps(target, openApp).guard(method),
    repeatsApp: (target) => apps(target, openApp).repeats,
    namesApp: (target) => merged.apps.has(target),
    component: createComponentGuards(merged, guardsOf),
    actorBefore: (type, id) => actorTypes(type, openActorType).before(id),
    actorDuring: (type) => actorTypes(type, openActorType).during,
    builtIn: (name) => builtInRetry(name, deps, merged.retries.get(name)),
  };
}

function createComponentGuards(
  merged: MergedPolicies,
  guardsOf: TargetGuardFactory,
): Resiliency["component"] {
  /** Dapr: both directions of a component share one breaker. */
  const breakers = new Map<string, CircuitBreaker>();
  const components = new Map<string, Guard | undefined>();
  function open(name: string, kind: Kind, direction: Direction): Guard | undefined {
    const own = merged.components.get(name)?.[direction];
    const names = policyNames(own, { kind, direction }, merged);
    const guards = guardsOf(names, {
      target: `${typeNameOf(kind)}_${name}`,
      direction,
      nameOf: () => `component[${name}] ${direction === "inbound" ? "input" : "output"}`,
      // Dapr: of components only brokers, and what apps answer, have statuses to compare.
      hasStatuses: kind === "pubsub" || direction === "inbound",
    });
    let breaker: CircuitBreaker | undefined;
    if (guards.breaker) {
      const key = JSON.stringify([name, names.circuitBreaker]);
      breaker = breakers.get(key) ?? guards.breaker(`${names.circuitBreaker}-${name}`);
      breakers.set(key, breaker);
    }
    return nest([guards.retry, breaker?.guard, guards.timeout]);
  }
  return (name, kind, direction) => {
    const key = JSON.stringify([name, kind, direction]);
    if (!components.has(key)) components.set(key, open(name, kind, direction));
    return components.get(key);
  };
}
