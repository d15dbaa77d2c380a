import type { Log } from "#core/ports/platform.ts";
import type {
  CircuitBreakerPolicy,
  PolicyNames,
  ResiliencyDocument,
  RetryPolicy,
} from "#core/resources/resiliency.ts";
import { builtInRetries, isProtected, leastRetries } from "./built-in.ts";

/** What all Resiliency documents together say: a later name takes an earlier one's place. */
export interface MergedPolicies {
  /** Of the last document: metrics carry its name. */
  readonly name: string;
  readonly timeouts: ReadonlyMap<string, number>;
  readonly retries: ReadonlyMap<string, RetryPolicy & { readonly maxElapsedMs?: number }>;
  readonly circuitBreakers: ReadonlyMap<string, CircuitBreakerPolicy>;
  readonly apps: ReadonlyMap<string, PolicyNames>;
  readonly actors: ResiliencyDocument["targets"]["actors"];
  readonly components: ResiliencyDocument["targets"]["components"];
}

export function mergePolicies(documents: readonly ResiliencyDocument[], log: Log): MergedPolicies {
  const retries = new Map<string, RetryPolicy>(builtInRetries);
  for (const { policies } of documents)
    for (const [name, policy] of policies.retries) {
      if (isProtected(name)) {
        log.warn(`Retry policy ${name} cannot be changed; the built-in one stays in force`);
        continue;
      }
      const { maxRetries } = policy;
      const tooFew = builtInRetries.has(name) && maxRetries >= 0 && maxRetries < leastRetries;
      if (tooFew) log.warn(`Retry policy ${name} must retry ${leastRetries} times; it does so`);
      retries.set(name, tooFew ? { ...policy, maxRetries: leastRetries } : policy);
    }
  return {
    name: documents.at(-1)?.name ?? "",
    timeouts: joined(documents.map(({ policies }) => policies.timeouts)),
    retries,
    circuitBreakers: joined(documents.map(({ policies }) => policies.circuitBreakers)),
    apps: joined(documents.map(({ targets }) => targets.apps)),
    actors: joined(documents.map(({ targets }) => targets.actors)),
    components: joined(documents.map(({ targets }) => targets.components)),
  };
}

function joined<V>(maps: ReadonlyArray<ReadonlyMap<string, V>>): ReadonlyMap<string, V> {
  return new Map(maps.flatMap((map) => [...map]));
}
