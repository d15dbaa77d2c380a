import { toBase64 } from "#core/util/base64.ts";
import type { GrpcWire } from "./grpc-wire.ts";
import type { HttpWire } from "./http-wire.ts";

export interface Publication {
  readonly data: string;
  readonly contentType: string;
  readonly metadata?: Readonly<Record<string, string>>;
}
export interface PubsubApi {
  publish(pubsub: string, topic: string, event: Publication): Promise<void>;
  /** Entries by their ids, each a text. */
  bulkPublish(
    pubsub: string,
    topic: string,
    entries: Readonly<Record<string, string>>,
  ): Promise<void>;
}

const text = "text/plain";

export function pubsubOverHttp(http: HttpWire): PubsubApi {
  return {
    publish: async (pubsub, topic, { data, contentType, metadata = {} }) => {
      const query = new URLSearchParams(
        Object.entries(metadata).map(([name, value]): [string, string] => [
          `metadata.${name}`,
          value,
        ]),
      );
      await http.send("POST", `/v1.0/publish/${pubsub}/${topic}?${query.toString()}`, {
        headers: { "content-type": contentType },
        body: data,
      });
    },
    bulkPublish: async (pubsub, topic, entries) =>
      void (await http.post(
        `/v1.0/publish/bulk/${pubsub}/${topic}`,
        Object.entries(entries).map(([entryId, event]) => ({ entryId, event, contentType: text })),
      )),
  };
}

export function pubsubOverGrpc(grpc: GrpcWire): PubsubApi {
  return {
    publish: async (pubsubName, topic, { data, contentType, metadata = {} }) =>
      void (await grpc.unary("PublishEvent", {
        pubsubName,
        topic,
        data: toBase64(data),
        dataContentType: contentType,
        metadata: { ...metadata },
      })),
    bulkPublish: async (pubsubName, topic, entries) =>
      void (await grpc.unary("BulkPublishEvent", {
        pubsubName,
        topic,
        entries: Object.entries(entries).map(([entryId, event]) => ({
          entryId,
          event: toBase64(event),
          contentType: text,
        })),
      })),
  };
}
