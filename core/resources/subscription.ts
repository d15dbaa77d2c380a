import type { DeclaredSubscription } from "./declared-subscription.ts";
import type { Fields } from "./fields.ts";
import type { ResourceHead } from "./resource-head.ts";

export interface SubscriptionDocument extends ResourceHead, DeclaredSubscription {
  readonly kind: "Subscription";
}

/** v1alpha1 has one `route`, v2alpha1 has `routes`; both read to the same shape. */
export function readSubscription(
  head: ResourceHead,
  fields: Fields,
  version: string,
): SubscriptionDocument {
  const spec = fields.fields("spec");
  const deadLetterTopic = spec.text("deadLetterTopic") ?? "";
  const bulk = readBulk(spec);
  const subscription: SubscriptionDocument = {
    ...head,
    kind: "Subscription",
    pubsubname: spec.required("pubsubname"),
    topic: spec.required("topic"),
    routes: version === "v1alpha1" ? readRoute(spec) : readRoutes(spec),
    metadata: spec.pairs("metadata"),
    ...(deadLetterTopic === "" ? {} : { deadLetterTopic }),
    ...(bulk ? { bulkSubscribe: bulk } : {}),
  };
  spec.done();
  return subscription;
}

/** Dapr: without a route it subscribes all the same, and no event goes anywhere. */
const nowhere = "is missing, so events are skipped; add a path";

function readRoute(spec: Fields): DeclaredSubscription["routes"] {
  const route = spec.text("route") ?? "";
  if (route === "") spec.warn("route", nowhere);
  return route === "" ? { rules: [] } : { rules: [], default: route };
}

function readRoutes(spec: Fields): DeclaredSubscription["routes"] {
  const routes = spec.fields("routes");
  const rules = routes.list("rules").map((rule) => {
    const read = { match: rule.text("match") ?? "", path: rule.required("path") };
    rule.done();
    return read;
  });
  const fallback = routes.text("default") ?? "";
  if (rules.length === 0 && fallback === "") routes.warn("default", nowhere);
  routes.done();
  return fallback === "" ? { rules } : { rules, default: fallback };
}

function readBulk(spec: Fields): DeclaredSubscription["bulkSubscribe"] {
  if (!spec.has("bulkSubscribe")) return undefined;
  const bulk = spec.fields("bulkSubscribe");
  const count = bulk.number("maxMessagesCount");
  const wait = bulk.number("maxAwaitDurationMs");
  const read = {
    enabled: bulk.boolean("enabled") ?? false,
    ...(count !== undefined && count > 0 ? { maxMessagesCount: count } : {}),
    ...(wait !== undefined && wait > 0 ? { maxAwaitDurationMs: wait } : {}),
  };
  bulk.done();
  return read;
}
