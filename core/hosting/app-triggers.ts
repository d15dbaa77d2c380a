import { subscriptionViews } from "#core/blocks/pubsub/subscription-views.ts";
import { streamingSubscriptions } from "#core/blocks/pubsub/streaming-subscriptions.ts";
import type { AppOptions } from "./app-options.ts";
import type { AppContext } from "./app-context.ts";
import { createAppOutboxes } from "./app-outboxes.ts";
import type { Components } from "./load-components.ts";
import type { Platform } from "#core/ports/platform.ts";
import { type Asked, createAskAgain } from "#core/blocks/pubsub/asked-subscriptions.ts";
import { collectSubscriptions } from "#core/blocks/pubsub/consume.ts";
import { createArrivalOrder } from "#core/blocks/pubsub/arrival-order.ts";
import { createKeyedRuns } from "./reload/keyed-runs.ts";
import { inboundOf } from "#core/resiliency/inbound.ts";
import { ofKind } from "#core/resources/resource.ts";
import { createSerialQueue } from "#core/util/serial-queue.ts";
import {
  type Trigger,
  type TriggerDeps,
  type TriggerSources,
  wantedTriggers,
} from "./wanted-triggers.ts";

/** What calls the app: subscriptions, a group for each broker component; input bindings; outboxes. */
export interface AppTriggers {
  /** Lets the app's metadata name its subscriptions although nothing runs. */
  show(sources: TriggerSources): void;
  start(sources: TriggerSources): Promise<void>;
  /** Until it is started again; what is in flight ends first. */
  stop(): Promise<void>;
  /** Other documents are in force: restarts what they change, of what runs. */
  follow(sources: TriggerSources): Promise<void>;
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
  const callers = createKeyedRuns<Trigger>();
  const outboxes = createAppOutboxes(app, platform, signals.stopping);
  /** Of the time since the last start; fires with the stop. */
  let on: AbortController | undefined;
  /** Documents may change while the app starts. */
  const inTurn = createSerialQueue();

  /** Kept over a stop as well: an app that was not healthy has not changed its mind. */
  const asked: Asked = { subscriptions: [], failure: undefined };
  const inOrder = createArrivalOrder();
  let latest: TriggerSources | undefined;
  const again = createAskAgain(clock, (signal) =>
    platform.background(
      inTurn(async () => {
        if (latest) await apply(latest, signal);
      }),
    ),
  );
  const deps: TriggerDeps = {
    subscriptions: {
      clock,
      log,
      asked,
      stopping: signals.stopping,
      programmatic: !options.disableInitEndpoints?.includes("subscribe"),
      inbound: inboundOf(app, "pubsub"),
    },
    bindings: {
      clock,
      log,
      probeMs: options.bindingProbeMs,
      inbound: inboundOf(app, "bindings.input"),
    },
    call: { signal: signals.ended },
  };
  const restartStreams = createStreamRestarts(app);

  /** Dapr: what is declared is listed whether the app is well or not; faults of it are told once it starts. */
  function show({ resources }: TriggerSources): void {
    const documents = ofKind(resources, "Subscription");
    const found = collectSubscriptions(app, documents, asked.subscriptions);
    app.part(subscriptionViews).views = inOrder(found.map(({ view }) => view));
  }
  async function apply(
    sources: TriggerSources,
    signal: AbortSignal = signals.ended,
  ): Promise<void> {
    const period = on?.signal;
    if (!period && !signals.stopping.aborted) show(sources);
    if (!period || signals.stopping.aborted || signal.aborted) return;
    latest = sources;
    const asking = AbortSignal.any([period, signal]);
    const wanted = await wantedTriggers(app, sources, deps, { signal: asking });
    if (asking.aborted || signals.stopping.aborted) return;
    // Without a pub/sub component it was not asked, and need not be.
    again.set(asked.failure !== undefined && app.components.has("pubsub"));
    await callers.apply(wanted, () => {
      app.part(subscriptionViews).views = inOrder(
        callers.running.flatMap(({ views }) => views ?? []),
      );
    });
    // It may have been asked to stop while it started.
    if (signals.stopping.aborted || period.aborted) await callers.stop();
  }

  return {
    show,
    start: (sources) => {
      on ??= new AbortController();
      again.cancel();
      return inTurn(async () => {
        await restartStreams(sources.components);
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
        await restartStreams(sources.components);
        await apply(sources);
        await outboxes.follow(sources.components);
      });
    },
    startOutboxes: (components) => {
      outboxes.enable();
      return inTurn(() => outboxes.follow(components));
    },
    stopOutboxes: () => outboxes.stop(),
  };
}

/** Ends streaming subscriptions to components that have been replaced, so that their clients subscribe again. */
function createStreamRestarts(app: AppContext): (components: Components) => Promise<void> {
  let streamed: ReadonlyMap<string, unknown> = new Map();
  return async (components) => {
    const before = streamed;
    streamed = new Map(components.all("pubsub").map((each) => [each.name, each]));
    const changed = [...before].filter(([name, each]) => streamed.get(name) !== each);
    await Promise.allSettled(
      changed.map(([name]) => app.part(streamingSubscriptions).stopOf(name)),
    );
  };
}
