import type { GrpcInput } from "#core/grpc/input.ts";
import type { RequestOf } from "#core/grpc/rpcs.ts";
import type { GrpcRoutes } from "#core/grpc/surface.ts";
import { bulkPublish, type BulkEntry, type BulkPublish, type FailedEntry } from "./bulk.ts";
import { publishFailed, pubsubError } from "./errors.ts";
import { findPubsub } from "./find-pubsub.ts";
import { publishEvent } from "./publish.ts";

type BulkRequest = RequestOf<"BulkPublishEvent">;

export function pubsubGrpc(routes: GrpcRoutes): void {
  routes.unary(
    "PublishEvent",
    publishEvent,
    ({ pubsubName, topic, data, dataContentType }, { metadata }) => ({
      pubsub: pubsubName,
      topic,
      data,
      contentType: dataContentType,
      metadata,
    }),
    () => ({}),
  );
  for (const rpc of ["BulkPublishEvent", "BulkPublishEventAlpha1"] as const)
    routes.unary(rpc, bulkPublishWhole, readBulk, () => ({}));
}

/** Dapr: over gRPC a bulk that failed in part is an error; which entries failed is in its text. */
const bulkPublishWhole: typeof bulkPublish = {
  name: bulkPublish.name,
  run: async (call, input) => {
    const failed: readonly FailedEntry[] = await bulkPublish.run(call, input);
    if (failed.length === 0) return failed;
    const { pubsub, topic } = input;
    const error = failed.map(({ entryId, error: why }) => `${entryId}: ${why}`).join("\n");
    throw publishFailed(pubsub, topic, error, undefined);
  },
};

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
