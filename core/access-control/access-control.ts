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
  /** In upper case; what is not a verb of Dapr's, and none at all, is `NONE`. */
  readonly verb: string;
}

/** Who may call an app, and what: the `accessControl` of its Configuration. */
export interface AccessControl {
  /** Why the call is refused, in Dapr's words; `undefined` when it may go on. */
  refuse(access: Access): string | undefined;
}

interface Rule {
  readonly decision: Decision;
  readonly verbs: ReadonlySet<string>;
}
interface Policy {
  readonly trustDomain: string;
  readonly operations: OperationTree<Rule>;
  /** Where no rule counts. */
  readonly otherwise: Decision;
  /** Where a rule would, but the call has no verb. */
  readonly withoutVerb: Decision;
}
/** There are four, made once: a call only finds one. */
interface Decision {
  readonly isAllowed: boolean;
  /** Counts that it was made. */
  readonly note: (caller: Workload | undefined) => void;
}
/** Whose action it is, for the metrics. */
type By = "app" | "global";
type Decide = (action: string, by: By) => Decision;

/** `isHttp`: the app that is called speaks HTTP; operations have no case then, and verbs count. */
export function createAccessControl(
  spec: AccessControlSpec,
  isHttp: boolean,
  meter: Meter | undefined,
): AccessControl {
  const decide = decisions(meter);
  const globally = decide(spec.defaultAction, "global");
  const policies = new Map<string, Map<string, Policy>>();
  for (const policy of spec.policies) {
    const ofNamespace = policies.get(policy.namespace) ?? new Map<string, Policy>();
    const compiled = compile(policy, isHttp, decide, globally);
    policies.set(policy.namespace, ofNamespace.set(policy.appId, compiled));
  }

  function judge(caller: Access["caller"], operation: string, verb: string): Decision {
    const policy = caller && policies.get(caller.namespace)?.get(caller.appId);
    // Dapr: another trust domain is not refused for that; it is somebody of whom nothing is said.
    if (!policy || policy.trustDomain !== caller.trustDomain) return globally;
    const path = operation.startsWith("/") ? operation : `/${operation}`;
    const rule = policy.operations.find(isHttp ? path.toLowerCase() : path);
    if (!rule) return policy.otherwise;
    if (!isHttp) return rule.decision;
    if (verb === "NONE") return policy.withoutVerb;
    return rule.verbs.has(verb) || rule.verbs.has("*") ? rule.decision : policy.otherwise;
  }

  return {
    refuse: (access) => {
      const verb = verbs.has(access.verb) ? access.verb : "NONE";
      const { caller, operation } = access;
      const { isAllowed, note } = judge(caller, operation, verb);
      note(caller);
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

function compile(
  policy: AccessPolicy,
  isHttp: boolean,
  decide: Decide,
  globally: Decision,
): Policy {
  const { defaultAction, trustDomain, operations } = policy;
  const by = defaultAction === "" ? "global" : "app";
  const rules = operations.map(({ name, httpVerb, action }): readonly [string, Rule] => {
    const path = name.startsWith("/") ? name : `/${name}`;
    const rule = { decision: decide(action, by), verbs: new Set(httpVerb) };
    return [isHttp ? path.toLowerCase() : path, rule];
  });
  return {
    trustDomain,
    operations: createOperationTree(rules),
    otherwise: by === "app" ? decide(defaultAction, by) : globally,
    withoutVerb: decide(defaultAction, by),
  };
}

const mostCounters = 500;

function decisions(meter: Meter | undefined): Decide {
  const made = (by: By, isAllowed: boolean): Decision => {
    if (!meter) return { isAllowed, note: () => {} };
    const name = `runtime_acl_${by}_policy_action_${isAllowed ? "allowed" : "blocked"}_total`;
    const counters = new TupleCache<() => void>(mostCounters);
    return {
      isAllowed,
      note: (caller) => {
        const { trustDomain, namespace } = caller ?? nobody;
        const labels = [trustDomain, namespace];
        const counter =
          counters.get(labels) ??
          counters.put(labels, meter.counter(name, { trustDomain, namespace }));
        counter();
      },
    };
  };
  const all = {
    app: { allow: made("app", true), deny: made("app", false) },
    global: { allow: made("global", true), deny: made("global", false) },
  };
  return (action, by) => all[by][action.toLowerCase() === "allow" ? "allow" : "deny"];
}
const nobody = { trustDomain: "", namespace: "" };
