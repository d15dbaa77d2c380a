import type { Kind } from "#core/ports/manifest.ts";
import type { PolicyNames } from "#core/resources/resiliency.ts";
import type { MergedPolicies } from "./merge.ts";

export type Direction = "inbound" | "outbound";
/** What a policy is for. */
export type TargetKind = "app" | "actor" | { readonly kind: Kind; readonly direction: Direction };
type PolicyType = "Retry" | "Timeout" | "CircuitBreaker";

/** Kinds as the names of default policies spell them. */
const typeNames: Readonly<Partial<Record<Kind, string>>> = {
  state: "Statestore",
  pubsub: "Pubsub",
  "bindings.input": "Binding",
  "bindings.output": "Binding",
  secretstores: "Secretstore",
  configuration: "Configuration",
  lock: "Lock",
  crypto: "Crypto",
  conversation: "Conversation",
};
export function typeNameOf(kind: Kind): string {
  return typeNames[kind] ?? "";
}

/** Names of the policy that counts where a target names none, from special to general. */
function defaultNames(target: TargetKind, type: PolicyType): readonly string[] {
  const suffix = `${type}Policy`;
  if (target === "app") return [`DefaultApp${suffix}`, `Default${suffix}`];
  if (target === "actor") return [`DefaultActor${suffix}`, `Default${suffix}`];
  const name = typeNameOf(target.kind);
  const direction = target.direction === "inbound" ? "Inbound" : "Outbound";
  return [
    `Default${name}Component${direction}${suffix}`,
    `Default${name}Component${suffix}`,
    `DefaultComponent${direction}${suffix}`,
    `DefaultComponent${suffix}`,
    `Default${suffix}`,
  ];
}

/** The target's own names, or the default ones where it has no entry at all. */
export function policyNames(
  own: PolicyNames | undefined,
  kind: TargetKind,
  merged: MergedPolicies,
): PolicyNames {
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
