import type { Loaded } from "#core/kernel/app.ts";
import type { Call } from "#core/kernel/call.ts";
import type { ApiError } from "#core/errors/api-error.ts";
import { messageOf } from "#core/errors/component-error.ts";
import { defineOperation, type Operation } from "#core/kernel/operation.ts";
import { type Data, type Metadata, noMetadata } from "#core/ports/component.ts";
import { toCloudEvent } from "./envelope.ts";
import { publishFailed, pubsubError } from "./errors.ts";
import { brokerTopic, findPubsub } from "./find-pubsub.ts";
import { isRawPayload } from "./raw-payload.ts";
import { mayUseTopic } from "./scopes.ts";
import { describeMessaging } from "#core/kernel/facts/describe.ts";

export interface PublishEvent {
  readonly pubsub: string;
  readonly topic: string;
  /** Bytes where the content type is binary or the payload goes out raw. */
  readonly data: Data;
  /** Empty when the caller named none. */
  readonly contentType: string;
  readonly metadata: Metadata;
}

export const publishEvent: Operation<PublishEvent, void> = defineOperation(
  "pubsub.publish",
  {
    api: "publish",
    endpoint: "PublishEvent",
    describe: describeMessaging,
    metric: {
      family: "component_pubsub_egress",
      kind: "pubsub",
      component: ({ pubsub }) => pubsub,
      labels: (app, name, { topic }, success) => [name, app.namespace, success, topic],
    },
  },
  async (call, input) => {
    const { pubsub, topic, metadata } = input;
    const loaded = findPubsub(call.app, pubsub, topic, metadata);
    const raw = metadata !== noMetadata && wantsRaw(pubsub, metadata);
    const data = raw ? input.data : eventText(call, loaded, input);
    refuseTopic(call, loaded, topic);
    const failure = await sent(call, loaded, topic, { data, metadata });
    if (failure) throw publishFailed(pubsub, topic, messageOf(failure), failure);
  },
);

async function sent(
  call: Call,
  loaded: Loaded<"pubsub">,
  topic: string,
  message: { readonly data: Data; readonly metadata: Metadata },
): Promise<unknown> {
  try {
    const results = await loaded.port.publish(
      brokerTopic(loaded, call.app, topic),
      [message],
      call,
    );
    return results[0];
  } catch (reason) {
    return reason ?? new Error("The component failed without a reason");
  }
}

function eventText(call: Call, loaded: Loaded<"pubsub">, input: PublishEvent): string {
  try {
    return toCloudEvent(input.data, input.contentType, {
      appId: call.app.appId,
      pubsub: input.pubsub,
      topic: input.topic,
      now: call.app.clock.now(),
      trace: call.trace,
      metadata: input.metadata,
      features: loaded.port.features,
    });
  } catch (reason) {
    throw noEvent(call, input.pubsub, reason);
  }
}

/** What was sent as a CloudEvent is none. */
export function noEvent(call: Call, pubsub: string, reason: unknown): ApiError {
  const metadata = { appID: call.app.appId, error: messageOf(reason) };
  return pubsubError(
    "ERR_PUBSUB_CLOUD_EVENTS_SER",
    pubsub,
    "cannot create cloudevent",
    metadata,
    reason,
  );
}

export function wantsRaw(pubsub: string, metadata: Metadata): boolean {
  try {
    return isRawPayload(metadata);
  } catch (reason) {
    const message = `failed deserializing metadata. Error: ${messageOf(reason)}`;
    throw pubsubError("ERR_PUBSUB_REQUEST_METADATA", pubsub, message, metadata, reason);
  }
}

export function refuseTopic(call: Call, loaded: Loaded<"pubsub">, topic: string): void {
  if (mayUseTopic("publish", topic, loaded, call.app)) return;
  const message = `topic ${topic} is not allowed for app id ${call.app.appId}`;
  throw pubsubError("ERR_PUBSUB_FORBIDDEN", loaded.name, message, { error: message, topic });
}
