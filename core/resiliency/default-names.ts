import type { Kind } from "#core/ports/manifest.ts";

export type Direction = "inbound" | "outbound";
/** What a policy is for. */
export type TargetKind = "app" | "actor" | { readonly kind: Kind; readonly direction: Direction };
export type PolicyType = "Retry" | "Timeout" | "CircuitBreaker";

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
export function defaultNames(target: TargetKind, type: PolicyType): readonly string[] {
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
