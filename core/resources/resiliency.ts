import { parseDuration } from "#core/util/duration.ts";
import { messageOf } from "#core/errors/component-error.ts";
import { compileTrip, faultOfTrip } from "./trip.ts";
import type { Fields } from "./fields.ts";
import type { ResourceHead } from "./resource-head.ts";

export interface RetryPolicy {
  readonly policy: "constant" | "exponential";
  readonly durationMs: number;
  readonly maxIntervalMs: number;
  /** -1 means without end. */
  readonly maxRetries: number;
  readonly matching?: { readonly httpStatusCodes?: string; readonly gRPCStatusCodes?: string };
}
export interface CircuitBreakerPolicy {
  readonly maxRequests: number;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  /** CEL over `requests`, `totalFailures`, `consecutiveFailures`… */
  readonly trip: string;
}
/** Names of the policies for one target. */
export interface PolicyNames {
  readonly timeout?: string;
  readonly retry?: string;
  readonly circuitBreaker?: string;
  readonly circuitBreakerCacheSize?: number;
}
export interface ResiliencyDocument extends ResourceHead {
  readonly kind: "Resiliency";
  readonly policies: {
    readonly timeouts: ReadonlyMap<string, number>;
    readonly retries: ReadonlyMap<string, RetryPolicy>;
    readonly circuitBreakers: ReadonlyMap<string, CircuitBreakerPolicy>;
  };
  readonly targets: {
    readonly apps: ReadonlyMap<string, PolicyNames>;
    readonly actors: ReadonlyMap<
      string,
      PolicyNames & { readonly circuitBreakerScope?: "type" | "id" | "both" }
    >;
    readonly components: ReadonlyMap<
      string,
      { readonly inbound: PolicyNames; readonly outbound: PolicyNames }
    >;
  };
}

export function readResiliency(head: ResourceHead, fields: Fields): ResiliencyDocument {
  const spec = fields.fields("spec");
  const policies = readPolicies(spec.fields("policies"));
  const targets = spec.fields("targets");
  const names = (of: Fields): PolicyNames => readNames(of, policies);
  const document: ResiliencyDocument = {
    ...head,
    kind: "Resiliency",
    policies,
    targets: {
      apps: new Map(targets.members("apps").map(([name, of]) => [name, closed(of, names)])),
      actors: new Map(
        targets.members("actors").map(([name, of]) => {
          const scope = of.word("circuitBreakerScope", ["type", "id", "both"]);
          const read = closed(of, names);
          if (read.circuitBreaker !== undefined && !scope)
            of.error("circuitBreakerScope", "is missing; make it type, id or both");
          return [name, scope ? { ...read, circuitBreakerScope: scope } : read];
        }),
      ),
      components: new Map(
        targets.members("components").map(([name, of]) => {
          const both = {
            inbound: closed(of.fields("inbound"), names),
            outbound: closed(of.fields("outbound"), names),
          };
          of.done();
          return [name, both];
        }),
      ),
    },
  };
  targets.done();
  spec.done();
  return document;
}

function readPolicies(fields: Fields): ResiliencyDocument["policies"] {
  const timeouts = fields.pairs("timeouts");
  const policies = {
    timeouts: new Map(
      Object.entries(timeouts).map(([name, text]) => [
        name,
        milliseconds(fields, `timeouts.${name}`, text) ?? 0,
      ]),
    ),
    retries: new Map(fields.members("retries").map(([name, of]) => [name, readRetry(of)])),
    circuitBreakers: new Map(
      fields.members("circuitBreakers").map(([name, of]) => [name, readBreaker(of)]),
    ),
  };
  fields.done();
  return policies;
}

function readRetry(of: Fields): RetryPolicy {
  const matching = of.fields("matching");
  const httpStatusCodes = codes(matching, "httpStatusCodes", 100, 599);
  const gRPCStatusCodes = codes(matching, "gRPCStatusCodes", 0, 16);
  if (of.has("matching")) matching.done();
  const policy: RetryPolicy = {
    policy: of.word("policy", ["constant", "exponential"]) ?? "constant",
    durationMs: readMs(of, "duration") ?? 5000,
    maxIntervalMs: readMs(of, "maxInterval") ?? 60_000,
    maxRetries: of.number("maxRetries") ?? -1,
    ...(httpStatusCodes === undefined && gRPCStatusCodes === undefined
      ? {}
      : {
          matching: {
            ...(httpStatusCodes === undefined ? {} : { httpStatusCodes }),
            ...(gRPCStatusCodes === undefined ? {} : { gRPCStatusCodes }),
          },
        }),
  };
  of.done();
  return policy;
}

function readBreaker(of: Fields): CircuitBreakerPolicy {
  const policy = {
    maxRequests: of.number("maxRequests") ?? 1,
    intervalMs: readMs(of, "interval") ?? 0,
    timeoutMs: readMs(of, "timeout") ?? 60_000,
    trip: of.text("trip") || "consecutiveFailures > 5",
  };
  try {
    compileTrip(policy.trip);
    const fault = faultOfTrip(policy.trip);
    if (fault !== undefined) of.warn("trip", `may never open the breaker: ${fault}`);
  } catch (reason) {
    of.error("trip", `is not a condition over the counts: ${messageOf(reason).split("\n", 1)[0]}`);
  }
  of.done();
  return policy;
}

function readNames(of: Fields, policies: ResiliencyDocument["policies"]): PolicyNames {
  const size = of.number("circuitBreakerCacheSize");
  const named = (
    field: "timeout" | "retry" | "circuitBreaker",
    among: ReadonlyMap<string, unknown>,
  ): object => {
    const name = of.text(field);
    if (name === undefined || name === "") return {};
    // Documents are merged, so the policy may stand in another one.
    if (!among.has(name))
      of.warn(field, `names policy "${name}", which this document does not have`);
    return { [field]: name };
  };
  return {
    ...named("timeout", policies.timeouts),
    ...named("retry", policies.retries),
    ...named("circuitBreaker", policies.circuitBreakers),
    ...(size === undefined ? {} : { circuitBreakerCacheSize: size }),
  };
}
function closed<T>(of: Fields, read: (of: Fields) => T): T {
  const value = read(of);
  of.done();
  return value;
}

/** A Go duration, or whole milliseconds. */
function milliseconds(fields: Fields, name: string, text: string): number | undefined {
  const ms = /^\d+$/.test(text) ? Number(text) : parseDuration(text);
  if (ms !== undefined && ms >= 0) return ms;
  fields.error(name, `is "${text}"; make it a duration such as 5s or 300ms`);
  return undefined;
}
function readMs(of: Fields, name: string): number | undefined {
  const text = of.text(name);
  return text === undefined || text === "" ? undefined : milliseconds(of, name, text);
}

/** `"429,500-599"`, each within the range. */
function codes(of: Fields, name: string, least: number, most: number): string | undefined {
  const text = of.text(name);
  if (text === undefined || text === "") return undefined;
  for (const part of text.split(",")) {
    if (part === "") continue;
    const match = /^\s*(\d+)(?:\s*-\s*(\d+))?\s*$/.exec(part);
    const from = Number(match?.[1] ?? Number.NaN);
    const to = Number(match?.[2] ?? from);
    if (!(from >= least && to <= most && from <= to)) {
      of.error(
        name,
        `has "${part.trim()}"; give codes or ranges from ${least} to ${most}, such as "${least},${most - 1}-${most}"`,
      );
      break;
    }
  }
  return text;
}
