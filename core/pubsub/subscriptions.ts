import type { Metadata } from "#core/ports/component.ts";
import type { Deliver } from "#core/ports/pub-sub.ts";

/** A subscription as `GET /v1.0/metadata` shows it. */
export interface SubscriptionView {
  readonly pubsubname: string;
  readonly topic: string;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly rules: ReadonlyArray<{ readonly match?: string; readonly path: string }>;
  readonly deadLetterTopic: string;
  readonly type: "DECLARATIVE" | "PROGRAMMATIC" | "STREAMING";
}

export interface SubscriptionRoutes {
  /** Tried in order; one without `match` takes every event. */
  readonly rules: ReadonlyArray<{ readonly match?: string; readonly path: string }>;
  readonly default?: string;
}
export interface BulkSubscribe {
  readonly enabled: boolean;
  readonly maxMessagesCount?: number;
  readonly maxAwaitDurationMs?: number;
}
/** What an app wants from one topic: from a Subscription document, or in the app's own words. */
export interface DeclaredSubscription {
  /** Of the document; empty for one that the app asked for itself. */
  readonly name: string;
  readonly pubsubname: string;
  readonly topic: string;
  readonly routes: SubscriptionRoutes;
  /** For the broker, `rawPayload` among it. */
  readonly metadata: Metadata;
  readonly deadLetterTopic?: string;
  readonly bulkSubscribe?: BulkSubscribe;
}

/** How a platform that pushes reaches a subscription. A symbol, so that the view's JSON does not show it. */
export const intake: unique symbol = Symbol("outrigger.subscription.intake");
export interface Intake {
  /** The topic as the broker knows it. */
  readonly brokerTopic: string;
  readonly deliver: Deliver;
}
/** A view of a subscription that can deliver. */
export interface ActiveSubscription extends SubscriptionView {
  readonly [intake]: Intake;
}

export function isActive(view: SubscriptionView): view is ActiveSubscription {
  return intake in view;
}

export function viewOf(
  { pubsubname, topic, metadata, routes, deadLetterTopic }: DeclaredSubscription,
  type: SubscriptionView["type"],
): SubscriptionView {
  const rules = routes.default ? [...routes.rules, { path: routes.default }] : routes.rules;
  const rest = { rules, deadLetterTopic: deadLetterTopic ?? "", type };
  return Object.keys(metadata).length > 0
    ? { pubsubname, topic, metadata, ...rest }
    : { pubsubname, topic, ...rest };
}
