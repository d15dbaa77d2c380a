import type { App, Loaded } from "#core/kernel/app.ts";
import { messageOf } from "#core/errors/component-error.ts";
import { type CallOptions, noMetadata } from "#core/ports/component.ts";
import type { Clock, Log } from "#core/ports/platform.ts";
import type { Ack, Message } from "#core/ports/pub-sub.ts";
import { pauseAfter, type Pauses } from "#core/util/backoff.ts";
import { textOf } from "#core/util/bytes.ts";
import { brokerTopic } from "#core/blocks/pubsub/find-pubsub.ts";
import { consumerIdOf, keepTrying } from "#core/blocks/pubsub/start-subscription.ts";
import { isRecord, parseJson } from "#core/util/json.ts";
import type { Outbox } from "#core/kernel/outbox.ts";
import { internalTopic, publishEvents } from "./outbox.ts";

/** What has a transaction is published, what has none waits: the running side of outboxes. */
export interface OutboxDelivery {
  /** Takes no more in. What is waiting is looked up once more at once, and published where its transaction is there. */
  stop(): Promise<void>;
}
export interface OutboxDeps {
  readonly clock: Clock;
  readonly log: Log;
}

/** Time that a transaction has to be committed before its marker is looked for. */
const firstLookMs = 1000;
const pauses: Pauses = { firstMs: 500, longestMs: 3000, factor: 3 };
const giveUpMs = 10_000;
/** Events wait side by side. */
const batch = { maxMessagesCount: 100, maxAwaitDurationMs: 0 };

/** Subscribes to where the app's events wait. One that cannot start is logged, tried again, and does not stop the others. */
export async function startOutboxes(
  app: App,
  stores: ReadonlyArray<Loaded<"state">>,
  { clock, log }: OutboxDeps,
): Promise<OutboxDelivery> {
  const closing = new AbortController();
  const ended = new AbortController();
  const running = new Set<Promise<unknown>>();
  const signals = { closing: closing.signal, options: { signal: ended.signal } };
  await Promise.all(
    stores.map(async ({ outbox }) => {
      if (!outbox) return;
      const { internalPubsub, topic } = outbox.settings;
      const fields = { app_id: app.appId, pubsub: internalPubsub, topic };
      const component = app.component("pubsub", internalPubsub);
      if (!component)
        return log.warn(
          `Cannot subscribe to the outbox topic: outbox pubsub ${internalPubsub} is not loaded`,
          fields,
        );
      const deliver = (messages: readonly Message[]): Promise<readonly Ack[]> => {
        const work = Promise.all(
          messages.map((message) => settle(message, { app, outbox, clock, log, ...signals })),
        );
        running.add(work);
        return work.finally(() => running.delete(work));
      };
      const subscription = {
        topic: brokerTopic(component, app, internalTopic(app, topic)),
        consumerId: consumerIdOf(component, app),
        metadata: noMetadata,
        bulk: batch,
      };
      const subscribe = async (): Promise<void> =>
        component.port.subscribe?.(subscription, deliver, { signal: closing.signal });
      try {
        await subscribe();
      } catch (reason) {
        log.error(
          `Cannot subscribe to the outbox topic; trying again in the background: ${messageOf(reason)}`,
          fields,
        );
        const retried = keepTrying(subscribe, { clock, closing: closing.signal, log, fields });
        running.add(retried);
        void retried.finally(() => running.delete(retried));
      }
    }),
  );
  return {
    stop: async () => {
      closing.abort();
      while (running.size > 0) await Promise.allSettled(running);
      ended.abort();
    },
  };
}

interface Settling extends OutboxDeps {
  readonly app: App;
  readonly outbox: Outbox;
  /** Fires when there is no more time to wait. */
  readonly closing: AbortSignal;
  readonly options: CallOptions;
}

/** Never rejects. */
async function settle(message: Message, to: Settling): Promise<Ack> {
  const { outbox, app, log, options } = to;
  const { pubsub, topic, discardWhenMissing } = outbox.settings;
  const fields = { app_id: app.appId, pubsub, topic };
  const event = read(message);
  if (!event) {
    log.error("Dropping a message of the outbox topic that is not an outbox event", fields);
    return "drop";
  }
  const missing = await patiently(() => look(outbox, event.id, options), to, firstLookMs);
  if (missing !== undefined) {
    const ended = discardWhenMissing && !to.closing.aborted;
    log.error(
      `Not publishing outbox event ${event.id}, ${ended ? "which is dropped" : "it is tried again later"}: ${messageOf(missing)}`,
      fields,
    );
    return ended ? "drop" : "retry";
  }
  const data = JSON.stringify({ ...event.members, topic, pubsubname: pubsub });
  const failure = await publishEvents(app, pubsub, topic, [data], options);
  if (failure !== undefined) {
    log.error(`Cannot publish outbox event ${event.id}: ${messageOf(failure)}`, fields);
    return "retry";
  }
  const left = await patiently(() => remove(outbox, event.id, options), to, 0);
  if (left !== undefined)
    log.warn(`Outbox marker ${event.id} stays in the state store: ${messageOf(left)}`, fields);
  return "done";
}

interface WaitingEvent {
  readonly id: string;
  readonly members: Readonly<Record<string, unknown>>;
}
function read({ data }: Message): WaitingEvent | undefined {
  try {
    const members = parseJson(textOf(data));
    if (!isRecord(members)) return undefined;
    const { id } = members;
    return typeof id === "string" && id !== "" ? { id, members } : undefined;
  } catch {
    return undefined;
  }
}

async function look({ port, settings }: Outbox, key: string, options: CallOptions): Promise<void> {
  const [item] = await port.read([{ key, metadata: noMetadata }], options);
  if (item && item.value.length > 0) return;
  throw new Error(
    `cannot publish outbox message to topic ${settings.topic} with pubsub ${settings.pubsub}: outbox state not found`,
  );
}
async function remove({ port }: Outbox, key: string, options: CallOptions): Promise<void> {
  await port.write({ op: "delete", key, metadata: noMetadata }, options);
}

/** Tries for 10 s, ever more seldom; answers why it has failed. Once the signal fires, the next attempt is the last. */
async function patiently(
  attempt: () => Promise<void>,
  { clock, closing }: Settling,
  firstWaitMs: number,
): Promise<unknown> {
  const sleep = (ms: number): Promise<void> => clock.sleep(ms, { signal: closing }).catch(() => {});
  if (firstWaitMs > 0) await sleep(firstWaitMs);
  const began = clock.now();
  for (let failures = 0; ; failures++) {
    const last = closing.aborted;
    try {
      await attempt();
      return undefined;
    } catch (reason) {
      const pause = pauseAfter(failures, pauses);
      if (last || clock.now() - began + pause > giveUpMs) return reason;
      await sleep(pause);
    }
  }
}
