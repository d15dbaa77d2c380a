import { isRecord } from "#core/util/json.ts";
import type { KubeObject } from "#k8s/api/objects.ts";
import { safeMessage } from "./safe-message.ts";

/** What a group says of a component that it loads for an app. */
export interface ComponentReport {
  readonly namespace: string;
  readonly component: string;
  readonly appId: string;
  readonly ready: boolean;
  /** Why it is not. Secrets are best taken out where they are known: `safeMessage(text, secrets)`. */
  readonly message?: string;
}
/** What this node tells of a component; of `status.nodes[]` all but `node` and `since`. */
export interface NodeState {
  readonly ready: boolean;
  readonly reason: "ComponentReady" | "ComponentFailed" | "InvalidDocument";
  /** Empty where all is well. */
  readonly message: string;
}
/** One entry of `status.nodes[]`, as it was written. */
export interface NodeEntry {
  readonly ready: boolean;
  readonly reason: string;
  readonly message: string;
  /** RFC 3339. */
  readonly since: string;
}

/** All apps of this node as one; `undefined`: none of them loads it. A document that cannot be used counts first. */
export function stateOf(
  apps: ReadonlyMap<string, Pick<ComponentReport, "ready" | "message">>,
  invalid: string | undefined,
): NodeState | undefined {
  if (invalid !== undefined)
    return { ready: false, reason: "InvalidDocument", message: safeMessage(invalid) };
  if (apps.size === 0) return undefined;
  const failed = [...apps].filter(([, { ready }]) => !ready).sort(([a], [b]) => (a < b ? -1 : 1));
  const [first] = failed;
  if (!first) return { ready: true, reason: "ComponentReady", message: "" };
  const [appId, { message = "" }] = first;
  const others = failed.length > 1 ? ` (and for ${failed.length - 1} more)` : "";
  return {
    ready: false,
    reason: "ComponentFailed",
    message: safeMessage(`for app ${appId}${others}: ${message || "no reason given"}`),
  };
}

/** What stands in an object for a node; anything may, where the CRD is not ours. */
export function entryOf(object: KubeObject, node: string): NodeEntry | undefined {
  const found = nodesOf(object).find((each) => each["node"] === node);
  if (!found) return undefined;
  const text = (name: string): string => {
    const value = found[name];
    return typeof value === "string" ? value : "";
  };
  return {
    ready: found["ready"] === true,
    reason: text("reason"),
    message: text("message"),
    since: text("since"),
  };
}

/** The entries of `status.nodes`. */
export function nodesOf(object: KubeObject): ReadonlyArray<Readonly<Record<string, unknown>>> {
  const status: unknown = isRecord(object) ? object["status"] : undefined;
  const nodes = isRecord(status) ? status["nodes"] : undefined;
  return Array.isArray(nodes) ? nodes.filter(isRecord) : [];
}

export function isSameState(
  one: Omit<NodeEntry, "since"> | undefined,
  other: Omit<NodeEntry, "since"> | undefined,
): boolean {
  return (
    one?.ready === other?.ready && one?.reason === other?.reason && one?.message === other?.message
  );
}
