import { ComponentError, messageOf } from "#core/errors/component-error.ts";
import {
  PubSub as Service,
  type PullMessagesResponse,
} from "#core/wire/grpc/gen/dapr/proto/components/v1/pubsub_pb.js";
import type { ComponentSpec, Host } from "#core/ports/manifest.ts";
import type { Ack, Message, PubSub, PubSubFeature } from "#core/ports/pub-sub.ts";
import { collectBatches } from "#core/blocks/pubsub/collect-batches.ts";
import { readFeatures } from "./features.ts";
import { type Endpoint, openLink } from "./link.ts";
import { publisherOf } from "./publisher.ts";
import { createReaders } from "./readers.ts";

/** A message broker in another process. */
export async function openPubSub(
  endpoint: Endpoint,
  spec: ComponentSpec,
  { clock, log }: Host,
): Promise<PubSub> {
  const { init, features: featuresMethod, pullMessages, pause, ping } = Service.method;
  const link = await openLink(endpoint, spec, { clock }, (wire, given, options) =>
    wire.unary(init, { metadata: { properties: withConsumerId(given, spec) } }, options),
  );
  // Dapr lists whatever the component says.
  const features = (await readFeatures(
    link,
    { clock },
    featuresMethod,
  )) as readonly PubSubFeature[];
  const bulk = features.includes("BULK_PUBSUB");
  const isImmediate = features.includes("BULK_SUBSCRIBE_IMMEDIATE");
  const readers = createReaders(link, clock);

  return {
    features,
    publish: publisherOf(link, spec.name, bulk),
    subscribe: async (subscription, deliver, options) => {
      const { topic, metadata } = subscription;
      const about = { component: spec.name, topic };
      const call = { signal: link.closed };
      // Whoever says BULK_PUBSUB is asked for batches; this protocol has none, so they are made here.
      const collector =
        bulk && subscription.bulk && !isImmediate
          ? collectBatches(clock, subscription.bulk, deliver)
          : undefined;
      if (collector) options.signal.addEventListener("abort", collector.flush, { once: true });
      const handle = async (message: PullMessagesResponse) => {
        const [ack] = await (collector?.add ?? deliver)([messageFrom(message)], call).catch(
          (reason: unknown): Ack[] => {
            log.error(`Delivery from topic ${topic} failed: ${messageOf(reason)}`, about);
            return ["retry"];
          },
        );
        const ackMessageId = message.id;
        if (ack !== "retry") return { ackMessageId };
        // Dapr: who is leaving refuses nothing, lest it count as a failed delivery; the message comes again in any case.
        return options.signal.aborted ? undefined : { ackMessageId, ackError: again };
      };
      const first = { topic: { name: topic, metadata: { ...metadata } } };
      // Dapr: one at a time, so that the order is kept. A batch must be in hand as a whole.
      const limit = isImmediate ? 1 : (subscription.bulk?.maxMessagesCount ?? 1);
      const reading = { method: pullMessages, first, limit, handle, about, clock, log };
      await readers.start(reading, options);
    },
    pause: async (options) => {
      try {
        await link.unary(pause, {}, options);
        return true;
      } catch (reason) {
        if (ComponentError.is(reason) && reason.kind === "unsupported") return false;
        throw reason;
      }
    },
    ping: async (options) => void (await link.unary(ping, {}, options)),
    [Symbol.asyncDispose]: readers.close,
  };
}

const again = { message: "the app wants the message again" };

/** Dapr: a component that is given no consumer id gets the app's id. */
function withConsumerId(
  properties: { readonly [name: string]: string },
  { owner }: ComponentSpec,
): { [name: string]: string } {
  const given = properties["consumerID"]?.trim();
  if (given || !owner) return { ...properties };
  return { ...properties, consumerID: owner.appId };
}

function messageFrom({ data, metadata, contentType }: PullMessagesResponse): Message {
  return contentType === "" ? { data, metadata } : { data, metadata, contentType };
}
