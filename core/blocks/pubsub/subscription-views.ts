import type { Alive, Part } from "#core/kernel/part.ts";
import type { SubscriptionView } from "#core/kernel/subscription-view.ts";

/** What the app is subscribed to, but for streams; whoever starts and stops subscriptions keeps it true. */
export interface SubscriptionViews extends Alive {
  views: readonly SubscriptionView[];
}
export const subscriptionViews: Part<SubscriptionViews> = {
  name: "pubsub.subscriptions",
  create: () => ({ views: [] }),
};
