import { subscriptionViews } from "./subscription-views.ts";
import type { App } from "#core/kernel/app.ts";
import type { CallOptions } from "#core/ports/component.ts";
import type { Ack, Message } from "#core/ports/pub-sub.ts";
import { intake, isActive } from "./subscriptions.ts";

/** Where a platform has pushed messages from. */
export interface PushSource {
  readonly component: string;
  /** As the broker names it, or as the app does. */
  readonly topic: string;
}

/** Hands pushed messages to the app's subscription, on the same path as pulled ones. Without such a subscription they are left to the broker's redelivery. */
export async function deliverTo(
  app: Pick<App, "part">,
  { component, topic }: PushSource,
  messages: readonly Message[],
  options: CallOptions,
): Promise<readonly Ack[]> {
  for (const view of app.part(subscriptionViews).views) {
    if (view.pubsubname !== component || !isActive(view)) continue;
    const { brokerTopic, deliver } = view[intake];
    if (view.topic === topic || brokerTopic === topic) return deliver(messages, options);
  }
  return messages.map(() => "retry");
}
