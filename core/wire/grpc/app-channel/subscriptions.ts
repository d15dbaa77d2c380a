import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { EmptySchema } from "@bufbuild/protobuf/wkt";
import { ListTopicSubscriptionsResponseSchema } from "#core/wire/grpc/gen/dapr/proto/runtime/v1/appcallback_pb.js";

export const emptyMessage: Uint8Array = toBinary(EmptySchema, create(EmptySchema));

/** The app's subscriptions as `GET /dapr/subscribe` answers them; one without any route has the empty path. */
export function subscriptionsJson(message: Uint8Array): string {
  const { subscriptions } = fromBinary(ListTopicSubscriptionsResponseSchema, message);
  return JSON.stringify(
    subscriptions.map((each) => ({
      pubsubname: each.pubsubName,
      topic: each.topic,
      metadata: each.metadata,
      routes: {
        rules: (each.routes?.rules ?? []).map(({ match, path }) => ({ match, path })),
        default: each.routes?.default ?? "",
      },
      deadLetterTopic: each.deadLetterTopic,
      ...(each.bulkSubscribe
        ? {
            bulkSubscribe: {
              enabled: each.bulkSubscribe.enabled,
              maxMessagesCount: each.bulkSubscribe.maxMessagesCount,
              maxAwaitDurationMs: each.bulkSubscribe.maxAwaitDurationMs,
            },
          }
        : {}),
    })),
  );
}
