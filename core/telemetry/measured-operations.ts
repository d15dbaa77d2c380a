import type { App } from "#core/app.ts";
import type { Invoke, Layer } from "#core/operation.ts";
import type { Kind } from "#core/ports/manifest.ts";
import { bulkEgress, isBulk } from "./bulk-egress.ts";
import { note } from "./note.ts";

/** What operations have in common that name a component. */
interface Asked {
  readonly store?: string;
  readonly pubsub?: string;
  readonly binding?: string;
  readonly component?: string;
  readonly topic?: string;
  readonly operation?: string;
}
interface Rule {
  /** Metrics `<family>_count` and `<family>_latencies`. */
  readonly family: string;
  readonly component: (asked: Asked) => string | undefined;
  /** Labels of the metric, in the catalogue's order. */
  readonly labels: (app: App, component: string, asked: Asked, success: string) => string[];
  /** Only for an app that has the component: a name from a caller would be a series each. Absent: always, as Dapr. */
  readonly kind?: Kind;
}

const store = ({ store: name }: Asked): string | undefined => name;
const component = ({ component: name }: Asked): string | undefined => name;

/** An operation on a component that has a name of its own in the metric. */
function named(family: string, kind: Kind, of: Rule["component"], operation: string): Rule {
  const labels: Rule["labels"] = (app, name, _, success) => [
    name,
    app.namespace,
    operation,
    success,
  ];
  return { family, component: of, labels, kind };
}
const state = (operation: string): Rule => named("component_state", "state", store, operation);
const secret = (operation: string): Rule =>
  named("component_secret", "secretstores", store, operation);
const configuration = (operation: string): Rule =>
  named("component_configuration", "configuration", store, operation);
const crypto = (operation: string): Rule =>
  named("component_crypto", "crypto", component, operation);
const binding: Rule = {
  family: "component_output_binding",
  component: ({ binding: name }) => name,
  labels: (app, name, { operation = "" }, success) => [name, app.namespace, operation, success],
};
const publish: Rule = {
  family: "component_pubsub_egress",
  component: ({ pubsub }) => pubsub,
  labels: (app, name, { topic = "" }, success) => [name, app.namespace, success, topic],
  kind: "pubsub",
};
const conversation: Rule = {
  family: "component_conversation",
  component,
  labels: (app, name, _, success) => [name, app.namespace, success],
  kind: "conversation",
};

/** By operation. One count an operation, as Dapr counts, however many calls of the component it takes. */
const rules: ReadonlyMap<string, Rule> = new Map<string, Rule>([
  ["state.get", state("get")],
  ["state.bulk_get", state("bulk_get")],
  ["state.set", state("set")],
  ["state.delete", state("delete")],
  ["state.delete_bulk", state("bulk_delete")],
  ["state.transaction", state("transaction")],
  ["state.query", state("query")],
  ["secret.get", secret("get")],
  ["secret.get_bulk", secret("bulk_get")],
  ["configuration.get", configuration("get")],
  ["configuration.subscribe", configuration("subscribe")],
  ["configuration.stream", configuration("subscribe")],
  ["configuration.unsubscribe", configuration("unsubscribe")],
  ["crypto.encrypt", crypto("crypto_op")],
  ["crypto.decrypt", crypto("crypto_op")],
  ["subtlecrypto.get_key", crypto("get")],
  ...["encrypt", "decrypt", "sign", "verify", "wrap_key", "unwrap_key"].map(
    (verb) => [`subtlecrypto.${verb}`, crypto("crypto_op")] as const,
  ),
  ["binding.invoke", binding],
  ["pubsub.publish", publish],
  ["conversation.converse", conversation],
]);

/**
 * Measures what operations do with components, from outside of whatever guards the component: a retry is part of
 * the operation. An app without metrics passes by.
 */
export const measuredOperations: Layer = (next) => {
  const measured: Invoke = async (operation, call, input) => {
    const { app } = call;
    const { metrics } = app;
    if (!metrics) return next(operation, call, input);
    if (isBulk(operation.name)) return bulkEgress(next, metrics, operation, call, input);
    const rule = rules.get(operation.name);
    const asked = (input ?? {}) as Asked;
    const name = rule?.component(asked);
    if (!rule || name === undefined || (rule.kind && !app.component(rule.kind, name)))
      return next(operation, call, input);
    const began = performance.now();
    let success = "false";
    try {
      const out = await next(operation, call, input);
      success = "true";
      return out;
    } finally {
      note(metrics, rule.family, rule.labels(app, name, asked, success), performance.now() - began);
    }
  };
  // Not even a promise more where nothing is measured.
  return (operation, call, input) =>
    call.app.metrics && (rules.has(operation.name) || isBulk(operation.name))
      ? measured(operation, call, input)
      : next(operation, call, input);
};
