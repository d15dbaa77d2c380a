import { type RouteResponse, jsonText, noContent } from "#core/wire/http/response.ts";
import type { HttpInput } from "#core/wire/http/input.ts";
import { messageOf } from "#core/errors/component-error.ts";
import type { HttpRoutes } from "#core/wire/http/surface.ts";
import { type Data, noMetadata } from "#core/ports/component.ts";
import { bulkPublish, type FailedEntry } from "./bulk.ts";
import { readBulkPublish } from "./bulk-request.ts";
import { isBinary } from "#core/util/content-types.ts";
import { publishFailed } from "./errors.ts";
import { findPubsub } from "./find-pubsub.ts";
import { type PublishEvent, publishEvent } from "./publish.ts";

const write: readonly string[] = ["POST", "PUT"];

export function pubsubHttp(routes: HttpRoutes): void {
  // Before the single publish, whose topic may hold slashes.
  for (const version of ["v1.0", "v1.0-alpha1"])
    routes.on(
      write,
      `/${version}/publish/bulk/:pubsub/:topic{.+}`,
      bulkPublish,
      readBulkPublish,
      writeFailed,
    );
  routes.on(write, "/v1.0/publish/:pubsub/:topic{.+}", publishEvent, readPublish, () => noContent);
}

async function readPublish(input: HttpInput): Promise<PublishEvent> {
  const pubsub = input.param("pubsub");
  const topic = input.param("topic");
  const { metadata } = input;
  findPubsub(input.app, pubsub, topic, metadata);
  const contentType = input.header("content-type") ?? "";
  const asBytes = isBinary(contentType) || (metadata !== noMetadata && "rawPayload" in metadata);
  let data: Data;
  try {
    data = asBytes ? await input.bytes() : await input.text();
  } catch (reason) {
    throw publishFailed(pubsub, topic, messageOf(reason), reason);
  }
  return { pubsub, topic, data, contentType, metadata };
}

function writeFailed(failedEntries: readonly FailedEntry[]): RouteResponse {
  if (failedEntries.length === 0) return noContent;
  return jsonText(JSON.stringify({ failedEntries, errorCode: "ERR_PUBSUB_PUBLISH_MESSAGE" }), 500);
}
