import { type InputDeps, startInputBindings } from "#core/blocks/bindings/input.ts";
import {
  type ConsumeDeps,
  findSubscriptions,
  type FoundSubscription,
  startFound,
} from "#core/blocks/pubsub/consume.ts";
import type { SubscriptionView } from "#core/kernel/subscription-view.ts";
import type { CallOptions } from "#core/ports/component.ts";
import { ofKind } from "#core/resources/resource.ts";
import type { AppContext } from "./app-context.ts";
import type { PolicySources } from "./app-policies.ts";
import type { Running, WantedRun } from "./reload/keyed-runs.ts";

/** What of an app's documents decides what calls it. */
export type TriggerSources = Pick<PolicySources, "components" | "resources">;
export interface Trigger extends Running {
  readonly views?: readonly SubscriptionView[];
}
export interface TriggerDeps {
  readonly subscriptions: ConsumeDeps;
  readonly bindings: InputDeps;
  /** For as long as triggers run. */
  readonly call: CallOptions;
}

/** The triggers that are to run under these documents, and what each is made of. Asks the app for its subscriptions. */
export async function wantedTriggers(
  app: AppContext,
  { components, resources }: TriggerSources,
  { subscriptions, bindings, call }: TriggerDeps,
  options: CallOptions,
): Promise<ReadonlyMap<string, WantedRun<Trigger>>> {
  const wanted = new Map<string, WantedRun<Trigger>>();
  const documents = ofKind(resources, "Subscription");
  const found = await findSubscriptions(app, documents, subscriptions, options);
  for (const [pubsub, group] of byPubsub(found))
    wanted.set(`pubsub ${pubsub}`, {
      of: [
        components.entries.get(pubsub),
        JSON.stringify(group.map(({ subscription, view }) => [subscription, view.type])),
      ],
      overlaps: true,
      start: () => startFound(app, group, subscriptions, call),
    });
  for (const input of components.all("bindings.input"))
    wanted.set(`binding ${input.name}`, {
      of: [input],
      start: () => startInputBindings(app, [input], bindings, call),
    });
  return wanted;
}

function byPubsub(
  found: readonly FoundSubscription[],
): ReadonlyMap<string, readonly FoundSubscription[]> {
  const groups = new Map<string, FoundSubscription[]>();
  for (const each of found) {
    const { pubsubname } = each.subscription;
    const group = groups.get(pubsubname);
    if (group) group.push(each);
    else groups.set(pubsubname, [each]);
  }
  return groups;
}
