import type { SubscriptionView } from "#core/kernel/subscription-view.ts";
import type { Deliver } from "#core/ports/pub-sub.ts";
import type { DeclaredSubscription } from "#core/resources/declared-subscription.ts";

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
