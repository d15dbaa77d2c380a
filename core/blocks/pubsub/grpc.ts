import { variantOf } from "#core/kernel/operation.ts";
import type { GrpcInput } from "#core/wire/grpc/input.ts";
import type { RequestOf, ResponseInit } from "#core/wire/grpc/rpcs.ts";
import type { GrpcRoutes } from "#core/wire/grpc/surface.ts";
import type { Metadata } from "#core/ports/component.ts";
import { bulkPublish, type BulkEntry, type BulkPublish, type FailedEntry } from "./bulk.ts";
import { publishFailed, pubsubError } from "./errors.ts";
import { eventFields } from "#core/wire/cloud-event-fields.ts";
import { findPubsub } from "./find-pubsub.ts";
import { publishEvent } from "./publish.ts";
import { isRawPayload } from "./raw-payload.ts";
import { eventTraceparent } from "#core/tracing/trace-context.ts";
import type { StreamMessage, StreamRequest } from "./stream-client.ts";
import { subscribeStream } from "./streaming.ts";

type BulkRequest = RequestOf<"BulkPublishEvent">;

export function pubsubGrpc(routes: GrpcRoutes): void {
  routes.unary(
    "PublishEvent",
    publishEvent,
    ({ pubsubName, topic, data, dataContentType }, input) => ({
      pubsub: pubsubName,
      topic,
      data,
      contentType: dataContentType,
      metadata: tracedIfRaw(input),
    }),
    () => ({}),
  );
  routes.bidi("SubscribeTopicEventsAlpha1", subscribeStream, readStream, writeStream);
  for (const rpc of ["BulkPublishEvent", "BulkPublishEventAlpha1"] as const)
    routes.unary(rpc, bulkPublishWhole, readBulk, () => ({}));
}

/** Dapr: over gRPC a payload without an envelope carries its trace beside it. */
function tracedIfRaw({ metadata, trace }: GrpcInput): Metadata {
  if (!trace || !isRaw(metadata)) return metadata;
  return { ...metadata, traceid: eventTraceparent(trace), tracestate: trace.tracestate };
}
/** What is not a boolean the operation refuses. */
function isRaw(metadata: Metadata): boolean {
  try {
    return isRawPayload(metadata);
  } catch {
    return false;
  }
}

type StreamIn = RequestOf<"SubscribeTopicEventsAlpha1">;
const statuses = ["SUCCESS", "RETRY", "DROP"] as const;

async function* readStream(requests: AsyncIterable<StreamIn>): AsyncGenerator<StreamRequest> {
  for await (const { subscribeTopicEventsRequestType: request } of requests) {
    if (request.case === "eventProcessed") {
      const { id, status } = request.value;
      yield { kind: "processed", id, status: statuses[status?.status ?? 0] ?? "RETRY" };
    } else if (request.case === "initialRequest") {
      const { pubsubName, topic, metadata, deadLetterTopic } = request.value;
      const wanted = { pubsub: pubsubName, topic, metadata };
      yield {
        kind: "initial",
        wanted: deadLetterTopic === undefined ? wanted : { ...wanted, deadLetterTopic },
      };
    } else yield { kind: "nothing" };
  }
}

function writeStream(message: StreamMessage): ResponseInit<"SubscribeTopicEventsAlpha1"> {
  if (message.kind === "started")
    return { subscribeTopicEventsResponseType: { case: "initialResponse", value: {} } };
  const { pubsub, topic, path, event } = message;
  const value = { ...eventFields(event), pubsubName: pubsub, topic, path };
  return { subscribeTopicEventsResponseType: { case: "eventMessage", value } };
}

/** Dapr: over gRPC a bulk that failed in part is an error; which entries failed is in its text. */
const bulkPublishWhole: typeof bulkPublish = variantOf(bulkPublish, async (call, input) => {
  const failed: readonly FailedEntry[] = await bulkPublish.run(call, input);
  if (failed.length === 0) return failed;
  const { pubsub, topic } = input;
  const error = failed.map(({ entryId, error: why }) => `${entryId}: ${why}`).join("\n");
  throw publishFailed(pubsub, topic, error, undefined);
});

function readBulk({ pubsubName, topic, entries }: BulkRequest, input: GrpcInput): BulkPublish {
  const { metadata } = input;
  findPubsub(input.app, pubsubName, topic, metadata);
  const seen = new Set<string>();
  return {
    pubsub: pubsubName,
    topic,
    metadata,
    entries: entries.map((entry): BulkEntry => {
      const { entryId } = entry;
      if (entryId === "" || seen.has(entryId)) throw badEntry(input, pubsubName, topic);
      seen.add(entryId);
      const message = { entryId, contentType: entry.contentType, data: entry.event };
      for (const _ in entry.metadata)
        return { ...message, metadata: { ...metadata, ...entry.metadata } };
      return message;
    }),
  };
}

function badEntry({ app }: GrpcInput, pubsub: string, topic: string): Error {
  const error = "entryId is duplicated or not present for entry";
  const message = `error marshaling events to bytes for topic ${topic} pubsub ${pubsub}. error: ${error}`;
  return pubsubError("MARSHAL_EVENTS", pubsub, message, { appID: app.appId, error });
}
