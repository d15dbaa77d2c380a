import { subscriptionViews } from "#core/blocks/pubsub/subscription-views.ts";
import { topicsByQueue } from "#components/cloudflare-queues/queue-names.ts";
import { messageOf } from "#core/errors/component-error.ts";
import type { App } from "#core/kernel/app.ts";
import type { Log } from "#core/ports/platform.ts";
import type { Message } from "#core/ports/pub-sub.ts";
import type { OneApp } from "#targets/_shared/one-app.ts";

const componentType = "pubsub.cloudflare.queues";

/** Hands a batch to the app; each message is acknowledged, or comes again, on its own. False when the app did not subscribe to its topic. */
export async function deliverBatch(app: OneApp, batch: MessageBatch): Promise<boolean> {
  await app.started();
  const source = sourceOf(app.app, batch.queue);
  if (!source) {
    app.log.error(
      `Cannot deliver from queue "${batch.queue}": no component of type ${componentType} is loaded`,
    );
    batch.retryAll();
    return true;
  }
  const acks = await app.runtime.deliver(
    { app: app.app, ...source },
    batch.messages.map((message) => toMessage(message, app.log)),
    {
      signal: new AbortController().signal,
    },
  );
  batch.messages.forEach((message, i) => {
    if (acks[i] === "retry") message.retry();
    else message.ack();
  });
  return app.app
    .part(subscriptionViews)
    .views.some(
      ({ pubsubname, topic }) => pubsubname === source.component && topic === source.topic,
    );
}

/** The component and topic of a queue: by the option `queues`, else the topic named like the queue. */
function sourceOf(
  app: App,
  queue: string,
): { readonly component: string; readonly topic: string } | undefined {
  const names = app.components.loaded
    .filter(({ type }) => type === componentType)
    .map(({ name }) => name);
  for (const component of names) {
    const topic = topicsByQueue(app.component("pubsub", component)?.metadata["queues"]).get(queue);
    if (topic !== undefined) return { component, topic };
  }
  const subscribed = names.find((name) =>
    app
      .part(subscriptionViews)
      .views.some(({ pubsubname, topic }) => pubsubname === name && topic === queue),
  );
  const component = subscribed ?? names[0];
  return component === undefined ? undefined : { component, topic: queue };
}

/** What we sent is text or bytes; what another producer sent as JSON becomes its text again. */
function toMessage(
  { body, id }: { readonly body: unknown; readonly id: string },
  log: Log,
): Message {
  const metadata = { messageId: id };
  if (typeof body === "string") return { data: body, metadata };
  if (body instanceof ArrayBuffer) return { data: new Uint8Array(body), metadata };
  if (body instanceof Uint8Array) return { data: body, metadata };
  try {
    return { data: JSON.stringify(body) ?? "", contentType: "application/json", metadata };
  } catch (reason) {
    log.warn(`Message ${id} is not valid JSON: ${messageOf(reason)}`);
    return { data: "", metadata };
  }
}
