import type { App, Loaded } from "#core/kernel/app.ts";
import { messageOf } from "#core/errors/component-error.ts";
import { cleanPath } from "#core/util/path.ts";
import type { CallOptions } from "#core/ports/component.ts";
import type { AppChannel, Clock, Log } from "#core/ports/platform.ts";
import type { Ack, Deliver, Message, TopicSubscription } from "#core/ports/pub-sub.ts";
import { createBackoff, type Pauses } from "#core/util/backoff.ts";
import { collectBatches } from "./collect-batches.ts";
import { deliverBatch } from "./deliver-bulk.ts";
import { deliverOne } from "./deliver.ts";
import type { Guard } from "#core/resiliency/guard.ts";
import type { Delivery } from "./delivery.ts";
import { brokerTopic } from "./find-pubsub.ts";
import type { DeclaredSubscription } from "#core/resources/declared-subscription.ts";
import type { Intake } from "./subscriptions.ts";

export interface Start {
  readonly app: App;
  readonly channel: AppChannel;
  readonly component: Loaded<"pubsub">;
  readonly subscription: DeclaredSubscription;
  readonly raw: boolean;
  /** See `TopicSubscription`. */
  readonly isStream?: true;
  readonly route: (event: unknown) => string | undefined;
  readonly inbound: Guard;
  readonly clock: Clock;
  readonly log: Log;
  /** Fires when nothing more may be taken in. */
  readonly closing: AbortSignal;
  /** Fires when what is in flight must end, too. */
  readonly ended: AbortSignal;
}

/** One subscription that takes messages in. */
export interface Started {
  readonly intake: Intake;
  /** Subscribes at the broker, where messages are pulled; rejects when the broker refuses. */
  subscribe(): Promise<void>;
  /** Resolves once nothing is in flight. */
  idle(): Promise<void>;
  /** How many deliveries there have been. */
  readonly taken: number;
}

const maxMessagesCount = 100;
const maxAwaitDurationMs = 1000;

export function startSubscription(start: Start): Started {
  const { app, component, subscription, closing, clock, log } = start;
  const { port } = component;
  const delivery = deliveryOf(start);
  const running = new Set<Promise<unknown>>();
  let taken = 0;
  const bulk = subscription.bulkSubscribe?.enabled
    ? {
        maxMessagesCount: subscription.bulkSubscribe.maxMessagesCount || maxMessagesCount,
        maxAwaitDurationMs: subscription.bulkSubscribe.maxAwaitDurationMs || maxAwaitDurationMs,
      }
    : undefined;
  const take = takerFor(delivery, bulk);

  function deliver(messages: readonly Message[], options: CallOptions): Promise<readonly Ack[]> {
    if (closing.aborted) return Promise.resolve(messages.map(() => "retry"));
    taken++;
    const work = take(messages, options);
    running.add(work);
    return work.finally(() => running.delete(work));
  }
  function takerFor(to: Delivery, limits: TopicSubscription["bulk"]): Deliver {
    const endingWith = createEndings(to);
    if (!limits)
      return (messages, options) => {
        const delivery = endingWith(options);
        return Promise.all(messages.map((message) => deliverOne(delivery, message)));
      };
    const inBatches: Deliver = (messages, options) =>
      deliverInBatches(endingWith(options), messages, limits.maxMessagesCount);
    const { features } = port;
    if (
      features.includes("BULK_SUBSCRIBE_IMMEDIATE") &&
      subscription.bulkSubscribe?.maxAwaitDurationMs
    )
      start.log.warn(
        `maxAwaitDurationMs of topic ${subscription.topic} has no effect: ${component.name} delivers each message as soon as it comes`,
        { app_id: app.appId },
      );
    const isWhole =
      features.includes("BULK_PUBSUB") || features.includes("BULK_SUBSCRIBE_IMMEDIATE");
    if (!port.subscribe || isWhole) return inBatches;
    const collector = collectBatches(clock, limits, inBatches);
    closing.addEventListener("abort", collector.flush, { once: true });
    return collector.add;
  }

  const topic = brokerTopic(component, app, subscription.topic);
  return {
    intake: { brokerTopic: topic, deliver },
    subscribe: async () => {
      const options: CallOptions = { signal: closing };
      const wanted = {
        topic,
        consumerId: consumerIdOf(component, app),
        metadata: subscription.metadata,
        ...(start.isStream ? { isStream: true as const } : {}),
      };
      await port.subscribe?.(bulk ? { ...wanted, bulk } : wanted, deliver, options);
      log.debug(`Subscribed to topic ${topic} as consumer ${wanted.consumerId}`, {
        app_id: app.appId,
        pubsub: component.name,
      });
    },
    get taken() {
      return taken;
    },
    idle: async () => {
      while (running.size > 0) await Promise.allSettled(running);
    },
  };
}

/** The same delivery, ended by the component's signal as well. A component gives few signals for many deliveries. */
function createEndings(delivery: Delivery): (options: CallOptions) => Delivery {
  const known = new WeakMap<AbortSignal, Delivery>();
  return ({ signal }) => {
    let ending = known.get(signal);
    if (!ending) {
      ending = {
        ...delivery,
        signal: AbortSignal.any([delivery.signal, signal]),
        closing: () => signal.aborted || delivery.closing(),
      };
      known.set(signal, ending);
    }
    return ending;
  };
}

async function deliverInBatches(
  delivery: Delivery,
  messages: readonly Message[],
  most: number,
): Promise<readonly Ack[]> {
  const acks: Ack[] = [];
  for (let at = 0; at < messages.length; at += most)
    acks.push(...(await deliverBatch(delivery, messages.slice(at, at + most))));
  return acks;
}

function deliveryOf({ subscription, closing, ended, route, ...rest }: Start): Delivery {
  const paths = new Map<string, string>();
  return {
    app: rest.app,
    channel: rest.channel,
    component: rest.component,
    topic: subscription.topic,
    raw: rest.raw,
    route,
    requestPath: (path) => {
      let encoded = paths.get(path);
      if (encoded === undefined) paths.set(path, (encoded = requestPath(path)));
      return encoded;
    },
    deadLetterTopic: subscription.deadLetterTopic ?? "",
    inbound: rest.inbound,
    clock: rest.clock,
    log: rest.log,
    closing: () => closing.aborted,
    signal: ended,
  };
}

/** A route as it stands in a request: with its first slash, cleaned, encoded where it is not yet. */
function requestPath(route: string): string {
  const clean = cleanPath(route.startsWith("/") ? route : `/${route}`);
  return encodeURI(clean.toWellFormed()).replaceAll("%25", "%").replaceAll("#", "%23");
}

/** Instances with one consumer id share the messages. */
export function consumerIdOf({ metadata }: Loaded<"pubsub">, { appId }: App): string {
  return metadata["consumerid"]?.trim() || appId;
}

/** Tries until the broker takes the subscription; see `keepTrying`. */
export async function keepSubscribing(
  started: Started,
  { clock, closing, log, app, component, subscription }: Start,
): Promise<void> {
  const fields = { app_id: app.appId, pubsub: component.name, topic: subscription.topic };
  return keepTrying(started.subscribe, { clock, closing, log, fields });
}

/** Subscribes again and again: 500 ms x 1.5 apart, at most a minute. Ends early, without an error, when the signal fires. */
export async function keepTrying(
  subscribe: () => Promise<void>,
  {
    clock,
    closing,
    log,
    fields,
  }: Pick<Start, "clock" | "closing" | "log"> & { readonly fields: object },
): Promise<void> {
  const backoff = createBackoff(waits);
  for (;;) {
    try {
      await clock.sleep(backoff.next(), { signal: closing });
    } catch {
      return;
    }
    try {
      await subscribe();
      return;
    } catch (reason) {
      if (closing.aborted) return;
      log.error(`Cannot subscribe yet; trying again: ${messageOf(reason)}`, fields);
    }
  }
}
const waits: Pauses = { firstMs: 500, longestMs: 60_000, factor: 1.5 };
