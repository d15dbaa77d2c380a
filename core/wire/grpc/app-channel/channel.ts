import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import type { AppCallback } from "#core/ports/app-callback.ts";
import type { CallOptions, Data } from "#core/ports/component.ts";
import type { AppChannel, HeaderList, PlainRequest, PlainResponse } from "#core/ports/platform.ts";
import { collect } from "#core/util/bounded-read.ts";
import { bytesOf } from "#core/util/bytes.ts";
import {
  BindingEventRequestSchema,
  BindingEventResponseSchema,
  ListInputBindingsResponseSchema,
  TopicEventRequestSchema,
  TopicEventResponseSchema,
} from "#core/wire/grpc/gen/dapr/proto/runtime/v1/appcallback_pb.js";
import { bulkAnswer, bulkRequest } from "./bulk-event.ts";
import { invokeAnswer, invokeFailure, invokeRequest } from "./invoke.ts";
import { callJob } from "./job-event.ts";
import { toMetadata } from "./metadata.ts";
import { type RpcAnswer, type RpcChannel, RpcError, unavailable, unimplemented } from "./rpc.ts";
import { emptyMessage, subscriptionsJson } from "./subscriptions.ts";
import { eventFields } from "#core/wire/cloud-event-fields.ts";

const service = "/dapr.proto.runtime.v1.AppCallback/";
const alpha = "/dapr.proto.runtime.v1.AppCallbackAlpha/";
const health = "/dapr.proto.runtime.v1.AppCallbackHealthCheck/HealthCheck";
const statuses = ["SUCCESS", "RETRY", "DROP"] as const;

export interface GrpcAppOptions {
  /** Largest request body, in bytes: it is read whole, since an rpc has one message. */
  readonly maxBodyBytes: number;
}

/**
 * An app that speaks gRPC, behind the same port as one that speaks HTTP: requests become rpcs of AppCallback,
 * and their answers what an HTTP app would have said.
 */
export function grpcAppChannel(rpc: RpcChannel, { maxBodyBytes }: GrpcAppOptions): AppChannel {
  // Asked once: an app's bindings do not change while it runs.
  let bindings: Promise<ReadonlySet<string>> | undefined;

  async function callback(
    what: AppCallback,
    metadata: HeaderList,
    body: PlainRequest["body"],
    options: CallOptions,
  ): Promise<PlainResponse> {
    const call = (path: string, message: Uint8Array): Promise<RpcAnswer> =>
      rpc.call(path, message, metadata, options);
    switch (what.kind) {
      case "list-subscriptions": {
        const { message } = await call(`${service}ListTopicSubscriptions`, emptyMessage);
        return json(subscriptionsJson(message));
      }
      case "topic-event": {
        const { pubsub, topic, path } = what;
        const request = create(TopicEventRequestSchema, {
          ...eventFields(what.event),
          pubsubName: pubsub,
          topic,
          path,
        });
        const { message } = await call(
          `${service}OnTopicEvent`,
          toBinary(TopicEventRequestSchema, request),
        );
        const { status } = fromBinary(TopicEventResponseSchema, message);
        return json(`{"status":"${statuses[status] ?? String(status)}"}`);
      }
      case "bulk-event": {
        const request = bulkRequest(what);
        try {
          return json(bulkAnswer((await call(`${service}OnBulkTopicEvent`, request)).message));
        } catch (reason) {
          if (!(reason instanceof RpcError) || reason.code !== unimplemented) throw reason;
          return json(bulkAnswer((await call(`${alpha}OnBulkTopicEventAlpha1`, request)).message));
        }
      }
      case "binding-probe": {
        bindings ??= call(`${service}ListInputBindings`, emptyMessage).then(
          ({ message }) => new Set(fromBinary(ListInputBindingsResponseSchema, message).bindings),
          (reason: unknown) => {
            bindings = undefined;
            throw reason;
          },
        );
        return { status: (await bindings).has(what.binding) ? 200 : 404, headers: [] };
      }
      case "binding-event": {
        const request = create(BindingEventRequestSchema, {
          name: what.binding,
          data: bytesOf((body as Data | undefined) ?? ""),
          metadata: { ...what.metadata },
        });
        const { message } = await call(
          `${service}OnBindingEvent`,
          toBinary(BindingEventRequestSchema, request),
        );
        const { data, to, concurrency } = fromBinary(BindingEventResponseSchema, message);
        const answer = { status: 200, headers: [], body: data };
        return to.length > 0 ? { ...answer, forward: { to, parallel: concurrency === 1 } } : answer;
      }
      case "job-event":
        return callJob(what, call);
      case "health":
        await call(health, emptyMessage);
        return { status: 200, headers: [] };
    }
  }

  return {
    send: async (request, options) => {
      const metadata = toMetadata(request.headers);
      if (request.callback) {
        try {
          return await callback(request.callback, metadata, request.body, options);
        } catch (reason) {
          return callbackFailure(reason);
        }
      }
      const body = await whole(request.body, maxBodyBytes);
      try {
        return invokeAnswer(
          await rpc.call(`${service}OnInvoke`, invokeRequest(request, body), metadata, options),
        );
      } catch (reason) {
        if (!(reason instanceof RpcError) || reason.code === unavailable) throw reason;
        return invokeFailure(reason);
      }
    },
  };
}

/** A callback that the app lacks is what a missing route is for an HTTP app; every other failure may be tried again. */
function callbackFailure(reason: unknown): PlainResponse {
  if (!(reason instanceof RpcError) || reason.code === unavailable) throw reason;
  return {
    status: reason.code === unimplemented ? 404 : 500,
    headers: ["content-type", "text/plain"],
    body: reason.message,
  };
}

function json(body: string): PlainResponse {
  return { status: 200, headers: ["content-type", "application/json"], body };
}
async function whole(body: PlainRequest["body"], limit: number): Promise<Uint8Array> {
  if (body === undefined) return new Uint8Array(0);
  return body instanceof ReadableStream ? collect(body, limit) : bytesOf(body);
}
