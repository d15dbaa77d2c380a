import type { Alive, Part } from "#core/kernel/part.ts";
import type { SubscriptionView } from "#core/kernel/subscription-view.ts";

/** The app's subscriptions except streaming ones, kept up to date by what starts and stops them. */
export interface SubscriptionViews extends Alive {
  views: readonly SubscriptionView[];
}
export const subscriptionViews: Part<SubscriptionViews> = {
  name: "pubsub.subscriptions",
  create: () => ({ views: [] }),
};
