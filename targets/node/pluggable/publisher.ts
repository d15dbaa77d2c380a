import { PubSub as Service } from "#core/wire/grpc/gen/dapr/proto/components/v1/pubsub_pb.js";
import type { CallOptions } from "#core/ports/component.ts";
import type { Message, PubSub } from "#core/ports/pub-sub.ts";
import type { Link } from "./link.ts";
import { bytesOf } from "./messages.ts";

/** Publishes through a component: many messages in one call where it can do that (`isBulk`). */
export function publisherOf(link: Link, pubsubName: string, isBulk: boolean): PubSub["publish"] {
  const to = { pubsubName };
  async function publishOne(topic: string, message: Message, options: CallOptions): Promise<void> {
    const { data, contentType = "", metadata } = message;
    const request = { ...to, topic, data: bytesOf(data), contentType, metadata: { ...metadata } };
    await link.unary(Service.method.publish, request, options);
  }
  async function publishBulk(
    topic: string,
    messages: readonly Message[],
    options: CallOptions,
  ): Promise<ReadonlyArray<Error | undefined>> {
    const entries = messages.map(({ data, contentType = "", metadata }, i) => ({
      entryId: String(i),
      event: bytesOf(data),
      contentType,
      metadata: { ...metadata },
    }));
    const answer = await link.unary(Service.method.bulkPublish, { ...to, topic, entries }, options);
    const failed = new Map(answer.failedEntries.map(({ entryId, error }) => [entryId, error]));
    return messages.map((_, i) => {
      const error = failed.get(String(i));
      return error === undefined ? undefined : new Error(error);
    });
  }

  return async (topic, messages, options) => {
    if (isBulk && messages.length > 1) return publishBulk(topic, messages, options);
    return Promise.all(
      messages.map(async (message) => {
        try {
          await publishOne(topic, message, options);
          return undefined;
        } catch (reason) {
          options.signal.throwIfAborted();
          return reason as Error;
        }
      }),
    );
  };
}
