import { subscriptionViews } from "#core/blocks/pubsub/subscription-views.ts";
import { streamingSubscriptions } from "#core/blocks/pubsub/streaming-subscriptions.ts";
import type { AppOptions } from "./app-options.ts";
import type { PolicySources } from "./app-policies.ts";
import type { AppContext } from "./app-context.ts";
import { startInputBindings } from "#core/blocks/bindings/input.ts";
import type { Components } from "./load-components.ts";
import type { Platform } from "#core/ports/platform.ts";
import { type Asked, createAskAgain } from "#core/blocks/pubsub/asked-subscriptions.ts";
import {
  collectSubscriptions,
  findSubscriptions,
  type FoundSubscription,
  startFound,
} from "#core/blocks/pubsub/consume.ts";
import { createArrivalOrder } from "#core/blocks/pubsub/arrival-order.ts";
import type { SubscriptionView } from "#core/kernel/subscription-view.ts";
import { createKeyedRuns, type Running, type WantedRun } from "./reload/keyed-runs.ts";
import { inboundOf } from "#core/resiliency/inbound.ts";
import { ofKind } from "#core/resources/resource.ts";
import { startOutboxes } from "#core/blocks/state/outbox-delivery.ts";

type Sources = Pick<PolicySources, "components" | "resources">;
interface Trigger extends Running {
  readonly views?: readonly SubscriptionView[];
}

/** What calls the app: subscriptions, a group for each broker component; input bindings; outboxes. */
export interface AppTriggers {
  /** Lets the app's metadata name its subscriptions although nothing runs. */
  show(sources: Sources): void;
  start(sources: Sources): Promise<void>;
  /** Until it is started again; what is in flight ends first. */
  stop(): Promise<void>;
  /** Other documents are in force: restarts what they change, of what runs. */
  follow(sources: Sources): Promise<void>;
  startOutboxes(components: Components): Promise<void>;
  stopOutboxes(): Promise<void>;
}

export function createAppTriggers(
  app: AppContext,
  options: AppOptions,
  platform: Platform,
  signals: { readonly stopping: AbortSignal; readonly ended: AbortSignal },
): AppTriggers {
  const { clock, log } = platform;
  const call = { signal: signals.ended };
  const callers = createKeyedRuns<Trigger>();
  const outboxes = createKeyedRuns<Running>();
  /** Of the time since the last start; fires with the stop. */
  let on: AbortController | undefined;
  let hasOutboxes = false;
  /** One after the other: documents may change while the app starts. */
  let turn: Promise<unknown> = Promise.resolve();
  function inTurn(work: () => Promise<void>): Promise<void> {
    const done = turn.then(work, work);
    turn = done.catch(() => {});
    return done;
  }

  /** Kept over a stop as well: an app that was not healthy has not changed its mind. */
  const asked: Asked = { subscriptions: [], failure: undefined };
  const inOrder = createArrivalOrder();
  let latest: Sources | undefined;
  const again = createAskAgain(clock, (signal) =>
    platform.background(
      inTurn(async () => {
        if (latest) await apply(latest, signal);
      }),
    ),
  );
  const consume = {
    clock,
    log,
    asked,
    stopping: signals.stopping,
    programmatic: !options.disableInitEndpoints?.includes("subscribe"),
    inbound: inboundOf(app, "pubsub"),
  };
  const bind = {
    clock,
    log,
    probeMs: options.bindingProbeMs,
    inbound: inboundOf(app, "bindings.input"),
  };

  async function wantedOf(
    { components, resources }: Sources,
    asking: AbortSignal,
  ): Promise<Map<string, WantedRun<Trigger>>> {
    const wanted = new Map<string, WantedRun<Trigger>>();
    const documents = ofKind(resources, "Subscription");
    const found = await findSubscriptions(app, documents, consume, { signal: asking });
    for (const [pubsub, group] of byPubsub(found))
      wanted.set(`pubsub ${pubsub}`, {
        of: [
          components.entries.get(pubsub),
          JSON.stringify(group.map(({ subscription, view }) => [subscription, view.type])),
        ],
        overlaps: true,
        start: () => startFound(app, group, consume, call),
      });
    for (const input of components.all("bindings.input"))
      wanted.set(`binding ${input.name}`, {
        of: [input],
        start: () => startInputBindings(app, [input], bind, call),
      });
    return wanted;
  }
  /** Dapr: what is declared is listed whether the app is well or not; faults of it are told once it starts. */
  function show({ resources }: Sources): void {
    const documents = ofKind(resources, "Subscription");
    const found = collectSubscriptions(app, documents, asked.subscriptions);
    app.part(subscriptionViews).views = inOrder(found.map(({ view }) => view));
  }
  async function apply(sources: Sources, signal: AbortSignal = signals.ended): Promise<void> {
    const period = on?.signal;
    if (!period && !signals.stopping.aborted) show(sources);
    if (!period || signals.stopping.aborted || signal.aborted) return;
    latest = sources;
    const asking = AbortSignal.any([period, signal]);
    const wanted = await wantedOf(sources, asking);
    if (asking.aborted || signals.stopping.aborted) return;
    // Without a pub/sub component it was not asked, and need not be.
    again.set(asked.failure !== undefined && app.has("pubsub"));
    await callers.apply(wanted, () => {
      app.part(subscriptionViews).views = inOrder(
        callers.running.flatMap(({ views }) => views ?? []),
      );
    });
    // It may have been asked to stop while it started.
    if (signals.stopping.aborted || period.aborted) await callers.stop();
  }
  async function applyOutboxes(components: Components): Promise<void> {
    if (!hasOutboxes || signals.stopping.aborted) return;
    await outboxes.apply(
      new Map(
        components.all("state").flatMap((store) => {
          const { outbox } = store;
          if (!outbox) return [];
          const of = [store, components.entries.get(outbox.settings.internalPubsub)];
          return [
            [
              store.name,
              { of, overlaps: true, start: () => startOutboxes(app, [store], platform) },
            ],
          ];
        }),
      ),
    );
    if (signals.stopping.aborted) await outboxes.stop();
  }
  let streamed: ReadonlyMap<string, unknown> = new Map();
  /** Clients whose component has changed subscribe again. */
  async function followStreams({ components }: Sources): Promise<void> {
    const before = streamed;
    streamed = new Map(components.all("pubsub").map((each) => [each.name, each]));
    const changed = [...before].filter(([name, each]) => streamed.get(name) !== each);
    await Promise.allSettled(
      changed.map(([name]) => app.part(streamingSubscriptions).stopOf(name)),
    );
  }

  return {
    show,
    start: (sources) => {
      on ??= new AbortController();
      again.cancel();
      return inTurn(async () => {
        await followStreams(sources);
        await apply(sources);
      });
    },
    // Not in turn: what still starts sees it, and an app that does not answer must not hold it up.
    stop: () => {
      on?.abort();
      on = undefined;
      again.set(false);
      return callers.stop();
    },
    follow: (sources) => {
      again.cancel();
      return inTurn(async () => {
        await followStreams(sources);
        await apply(sources);
        await applyOutboxes(sources.components);
      });
    },
    startOutboxes: (components) => {
      hasOutboxes = true;
      return inTurn(() => applyOutboxes(components));
    },
    stopOutboxes: () => outboxes.stop(),
  };
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
