import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import type { AppCallback, BulkEventEntry } from "#core/ports/app-callback.ts";
import { bytesOf } from "#core/util/bytes.ts";
import {
  TopicEventBulkRequestSchema,
  type TopicEventBulkRequestEntrySchema,
  TopicEventBulkResponseSchema,
} from "#core/wire/grpc/gen/dapr/proto/runtime/v1/appcallback_pb.js";
import { eventFields } from "#core/wire/cloud-event-fields.ts";

type Bulk = Extract<AppCallback, { readonly kind: "bulk-event" }>;

export function bulkRequest({ pubsub, topic, path, entries }: Bulk): Uint8Array {
  return toBinary(
    TopicEventBulkRequestSchema,
    create(TopicEventBulkRequestSchema, {
      id: crypto.randomUUID(),
      entries: entries.map(entryOf),
      metadata: { pubsubName: pubsub },
      topic,
      pubsubName: pubsub,
      type: "com.dapr.event.sent.bulk",
      path,
    }),
  );
}

function entryOf({
  entryId,
  contentType,
  metadata,
  event,
}: BulkEventEntry): MessageInitShape<typeof TopicEventBulkRequestEntrySchema> {
  return {
    entryId,
    contentType,
    metadata: { ...metadata },
    event: event.isJson
      ? { case: "cloudEvent", value: eventFields(event) }
      : { case: "bytes", value: bytesOf(event.body) },
  };
}

const statuses = ["SUCCESS", "RETRY", "DROP"] as const;

/** The verdicts as an HTTP app answers them. */
export function bulkAnswer(message: Uint8Array): string {
  const answer = fromBinary(TopicEventBulkResponseSchema, message);
  return JSON.stringify({
    statuses: answer.statuses.map(({ entryId, status }) => ({
      entryId,
      status: statuses[status] ?? "RETRY",
    })),
  });
}
