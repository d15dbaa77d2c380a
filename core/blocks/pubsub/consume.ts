import type { App } from "#core/kernel/app.ts";
import { messageOf } from "#core/errors/component-error.ts";
import type { CallOptions } from "#core/ports/component.ts";
import type { Clock, Log } from "#core/ports/platform.ts";
import { type Guard, unguarded } from "#core/resiliency/guard.ts";
import type { Asked } from "./asked-subscriptions.ts";
import { askForSubscriptions } from "./programmatic.ts";
import { drainSubscriptions } from "./drain.ts";
import { isRawPayload } from "./raw-payload.ts";
import { compileRoutes } from "./routes.ts";
import { mayUseTopic } from "./scopes.ts";
import {
  keepSubscribing,
  type Start,
  type Started,
  startSubscription,
} from "./start-subscription.ts";
import type { SubscriptionView } from "#core/kernel/subscription-view.ts";
import type { DeclaredSubscription } from "#core/resources/declared-subscription.ts";
import { type ActiveSubscription, intake, viewOf } from "./subscriptions.ts";
import { endsWithin } from "#core/util/time-limit.ts";

export interface ConsumeDeps {
  readonly clock: Clock;
  readonly log: Log;
  /** False: the app is not asked for subscriptions of its own. */
  readonly programmatic?: boolean;
  /** What it has said of them before. */
  readonly asked?: Asked;
  /** Fires when the app's subscriptions are about to end for good. */
  readonly stopping?: AbortSignal;
  /** A component's inbound policy, around each delivery. Default: one attempt. */
  readonly inbound?: (component: string) => Guard;
}
/** An app's running subscriptions. */
export interface Consumption {
  readonly views: readonly SubscriptionView[];
  /** Takes no more in, and waits for deliveries in flight, at most 30 s. */
  stop(): Promise<void>;
}
const subscribingMs = 5000;

/** Subscribes the app to the topics that documents and the app itself name. One that cannot start is logged and does not stop the others. */
export async function startSubscriptions(
  app: App,
  declared: readonly DeclaredSubscription[],
  deps: ConsumeDeps,
  options: CallOptions,
): Promise<Consumption> {
  return startFound(app, await findSubscriptions(app, declared, deps, options), deps, options);
}

/** Starts subscriptions that were found; see `startSubscriptions`. */
export async function startFound(
  app: App,
  wanted: readonly FoundSubscription[],
  deps: ConsumeDeps,
  options: CallOptions,
): Promise<Consumption> {
  const closed = new AbortController();
  const ended = new AbortController();
  const signals = {
    closing: AbortSignal.any([options.signal, closed.signal]),
    ended: AbortSignal.any([options.signal, ended.signal]),
  };
  const running: Array<{ readonly start: Start; readonly started: Started }> = [];
  const views = wanted.map((each): SubscriptionView => {
    const start = startOf(app, each, deps, signals);
    if (!start) return each.view;
    const started = startSubscription(start);
    running.push({ start, started });
    const active: ActiveSubscription = { ...each.view, [intake]: started.intake };
    return active;
  });
  const retries = await Promise.all(running.map(({ start, started }) => firstTry(start, started)));
  return {
    views,
    stop: async () => {
      const { clock, log, stopping } = deps;
      const draining = {
        running: running.map(({ start, started }) => ({ component: start.component, started })),
        isFinal: stopping?.aborted === true,
        close: () => closed.abort(),
        clock,
        log,
        fields: { app_id: app.appId },
      };
      try {
        await drainSubscriptions(draining, options);
        // What was still subscribing ends with `closed`; a broker that does not answer must not hold the stop up.
        const subscribing = Promise.all(retries.map(({ done }) => done));
        await endsWithin(clock, subscribingMs, subscribing, options);
      } finally {
        ended.abort();
      }
    },
  };
}

/** A subscription that is to run, its routes compiled. */
export interface FoundSubscription {
  readonly subscription: DeclaredSubscription;
  readonly view: SubscriptionView;
  readonly route: Start["route"];
}

/** Those of documents, and those that the app asks for, if it may. */
export async function findSubscriptions(
  app: App,
  declared: readonly DeclaredSubscription[],
  deps: ConsumeDeps,
  options: CallOptions,
): Promise<readonly FoundSubscription[]> {
  if (deps.programmatic === false)
    deps.log.info("Skipping programmatic subscription loading", { app_id: app.appId });
  const own =
    app.channel && app.components.has("pubsub") && deps.programmatic !== false
      ? await askForSubscriptions(app, app.channel, deps, options)
      : [];
  return collectSubscriptions(app, declared, own, deps.log);
}

/** Dapr: one subscription for each topic of a component. Of two documents the first counts, and what the app asks for takes a document's place. */
export function collectSubscriptions(
  app: Pick<App, "appId">,
  declared: readonly DeclaredSubscription[],
  own: readonly DeclaredSubscription[],
  log?: Log,
): readonly FoundSubscription[] {
  const byTopic = new Map<string, FoundSubscription>();
  function add(subscription: DeclaredSubscription, type: SubscriptionView["type"]): void {
    const { pubsubname, topic } = subscription;
    const key = JSON.stringify([pubsubname, topic]);
    const fields = { app_id: app.appId, pubsub: pubsubname, topic };
    if (byTopic.get(key)?.view.type === type && type === "DECLARATIVE") {
      log?.warn(
        `Leaving out subscription ${subscription.name}: an earlier one has the same topic`,
        fields,
      );
      return;
    }
    try {
      const routes = compileRoutes(subscription.routes);
      const route = (event: unknown): string | undefined => routes.path(event);
      byTopic.set(key, { subscription, view: viewOf(subscription, type), route });
    } catch (reason) {
      log?.error(`Leaving out a subscription whose routes are wrong: ${messageOf(reason)}`, fields);
    }
  }
  for (const subscription of declared) add(subscription, "DECLARATIVE");
  for (const subscription of own) add(subscription, "PROGRAMMATIC");
  return [...byTopic.values()];
}

/** `undefined`, and a word in the log, for a subscription that cannot run. */
function startOf(
  app: App,
  { subscription, route }: FoundSubscription,
  { clock, log, inbound }: ConsumeDeps,
  signals: Pick<Start, "closing" | "ended">,
): Start | undefined {
  const { pubsubname, topic, metadata } = subscription;
  const fields = { app_id: app.appId, pubsub: pubsubname, topic };
  const { channel } = app;
  const component = app.component("pubsub", pubsubname);
  if (!component || !channel) {
    const lack = component
      ? "the app has no port to deliver to"
      : `pub/sub component ${pubsubname} is not loaded`;
    log.warn(`Not subscribing to topic ${topic}: ${lack}`, fields);
    return undefined;
  }
  if (!mayUseTopic("subscribe", topic, component, app)) {
    log.error(`subscription to topic '${topic}' on pubsub '${pubsubname}' is not allowed`, fields);
    return undefined;
  }
  try {
    const raw = isRawPayload(metadata);
    const guard = inbound?.(pubsubname) ?? unguarded;
    return {
      app,
      channel,
      component,
      subscription,
      raw,
      route,
      inbound: guard,
      clock,
      log,
      ...signals,
    };
  } catch (reason) {
    log.error(`Not subscribing to topic ${topic}: ${messageOf(reason)}`, fields);
    return undefined;
  }
}

/** Subscribes; what the broker refuses now goes on in the background, so that the app's other topics do not wait for it. */
async function firstTry(start: Start, started: Started): Promise<{ readonly done: Promise<void> }> {
  try {
    await started.subscribe();
    return { done: Promise.resolve() };
  } catch (reason) {
    const { app, component, log, subscription } = start;
    log.error(`Cannot subscribe; trying again in the background: ${messageOf(reason)}`, {
      app_id: app.appId,
      pubsub: component.name,
      topic: subscription.topic,
    });
    return { done: keepSubscribing(started, start) };
  }
}
