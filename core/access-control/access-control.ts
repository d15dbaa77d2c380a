import { spiffeId, type Workload } from "#core/identity/workload.ts";
import type { AccessControlSpec, AccessPolicy } from "#core/resources/access-control.ts";
import type { Meter } from "#core/telemetry/meter.ts";
import { TupleCache } from "#core/telemetry/tuple-cache.ts";
import { createOperationTree, type OperationTree } from "./operation-tree.ts";

/** What somebody wants of an app. */
export interface Access {
  /** As a certificate or this runtime knows the caller; `undefined` where nobody does. */
  readonly caller: Workload | undefined;
  /** Decoded and cleaned, as it is dispatched; `/package.Service/Method` for gRPC. */
  readonly operation: string;
  /** In upper case; what is no verb of Dapr's, and none at all, is `NONE`. */
  readonly verb: string;
}

/** Who may call an app, and what: the `accessControl` of its Configuration. */
export interface AccessControl {
  /** Why the call is refused, in Dapr's words; `undefined` when it may go on. */
  refuse(access: Access): string | undefined;
}

interface Rule {
  readonly action: string;
  readonly verbs: ReadonlySet<string>;
}
interface Policy extends Pick<AccessPolicy, "defaultAction" | "trustDomain"> {
  readonly operations: OperationTree<Rule>;
}
interface Decision {
  readonly action: string;
  /** Whose action it is, for the metrics. */
  readonly by: "app" | "global";
}

const mostCounters = 500;

/** `isHttp`: the app that is called speaks HTTP; operations have no case then, and verbs count. */
export function createAccessControl(
  spec: AccessControlSpec,
  isHttp: boolean,
  meter: Meter | undefined,
): AccessControl {
  const policies = new Map<string, Map<string, Policy>>();
  for (const policy of spec.policies) {
    const ofNamespace = policies.get(policy.namespace) ?? new Map<string, Policy>();
    policies.set(policy.namespace, ofNamespace.set(policy.appId, compile(policy, isHttp)));
  }
  const globally: Decision = { action: spec.defaultAction, by: "global" };

  function decide(caller: Access["caller"], operation: string, verb: string): Decision {
    const policy = caller && policies.get(caller.namespace)?.get(caller.appId);
    // Dapr: another trust domain is not refused for that; it is somebody of whom nothing is said.
    if (!policy || policy.trustDomain !== caller.trustDomain) return globally;
    const { defaultAction } = policy;
    const fallback: Decision =
      defaultAction === "" ? globally : { action: defaultAction, by: "app" };
    const path = operation.startsWith("/") ? operation : `/${operation}`;
    const rule = policy.operations.find(isHttp ? path.toLowerCase() : path);
    if (!rule) return fallback;
    if (!isHttp) return { ...fallback, action: rule.action };
    if (verb === "NONE") return { ...fallback, action: defaultAction };
    return rule.verbs.has(verb) || rule.verbs.has("*")
      ? { ...fallback, action: rule.action }
      : fallback;
  }

  const counters = new TupleCache<() => void>(mostCounters);
  function count(meter: Meter, by: Decision["by"], what: string, caller: Access["caller"]): void {
    const { trustDomain = "", namespace = "" } = caller ?? {};
    const key = [by, what, trustDomain, namespace];
    const counter =
      counters.get(key) ??
      counters.put(
        key,
        meter.counter(`runtime_acl_${by}_policy_action_${what}_total`, { trustDomain, namespace }),
      );
    counter();
  }

  return {
    refuse: (access) => {
      const verb = verbs.has(access.verb) ? access.verb : "NONE";
      const { caller, operation } = access;
      const { action, by } = decide(caller, operation, verb);
      const isAllowed = action.toLowerCase() === "allow";
      if (meter) count(meter, by, isAllowed ? "allowed" : "blocked", caller);
      if (isAllowed) return undefined;
      const id = caller ? spiffeId(caller) : "";
      return `access control policy has denied access to id: ${id} operation: ${operation} verb: ${verb}`;
    },
  };
}

const verbs: ReadonlySet<string> = new Set([
  "GET",
  "HEAD",
  "POST",
  "PUT",
  "DELETE",
  "CONNECT",
  "OPTIONS",
  "TRACE",
  "PATCH",
]);

function compile(policy: AccessPolicy, isHttp: boolean): Policy {
  const { defaultAction, trustDomain, operations } = policy;
  const rules = operations.map(({ name, httpVerb, action }): readonly [string, Rule] => {
    const path = name.startsWith("/") ? name : `/${name}`;
    return [isHttp ? path.toLowerCase() : path, { action, verbs: new Set(httpVerb) }];
  });
  return { defaultAction, trustDomain, operations: createOperationTree(rules) };
}
