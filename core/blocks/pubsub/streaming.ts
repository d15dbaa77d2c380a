import { streamingSubscriptions } from "./streaming-subscriptions.ts";
import type { Call } from "#core/kernel/call.ts";
import { ApiError } from "#core/errors/api-error.ts";
import { messageOf } from "#core/errors/component-error.ts";
import { defineOperation, type Operation } from "#core/kernel/operation.ts";
import { orAborted } from "#core/util/time-limit.ts";
import { inboundOf } from "#core/resiliency/inbound.ts";
import { drainSubscriptions } from "./drain.ts";
import { findPubsub } from "./find-pubsub.ts";
import { isRawPayload } from "./raw-payload.ts";
import { mayUseTopic } from "./scopes.ts";
import {
  refused,
  type StreamClient,
  streamClient,
  type StreamMessage,
  type StreamRequest,
  type StreamSubscription,
} from "./stream-client.ts";
import { startSubscription } from "./start-subscription.ts";
import type { DeclaredSubscription } from "#core/resources/declared-subscription.ts";
import { viewOf } from "./subscriptions.ts";
import { describeMessaging } from "#core/kernel/facts/describe.ts";

/** A subscription for as long as its stream lasts; what was not answered by then comes again. */
export const subscribeStream: Operation<
  AsyncIterable<StreamRequest>,
  AsyncIterable<StreamMessage>
> = defineOperation(
  "pubsub.subscribe_stream",
  {
    api: "subscribe",
    endpoint: "SubscribeTopicEvents",
    describe: describeMessaging,
    metric: undefined,
  },
  async (call, requests) => {
    const incoming = requests[Symbol.asyncIterator]();
    const first = await firstOf(incoming, call.app.part(streamingSubscriptions).stopping);
    if (first.done) throw hungUp();
    if (first.value.kind !== "initial") throw refused("initial request is required");
    const { wanted } = first.value;
    if (wanted.pubsub === "") throw refused("pubsubName is required");
    if (wanted.topic === "") throw refused("topic is required");
    return runStream(call, wanted, { [Symbol.asyncIterator]: () => incoming });
  },
);

/** A client that has said nothing must not keep an app that is stopping. */
async function firstOf(
  requests: AsyncIterator<StreamRequest>,
  stopping: AbortSignal,
): Promise<IteratorResult<StreamRequest>> {
  try {
    return await orAborted(requests.next(), { signal: stopping });
  } catch (reason) {
    throw stopping.aborted ? refused("api server closed", reason) : reason;
  }
}
const hungUp = (): ApiError => refused("EOF");
const closed = (): ApiError => refused("stream closed");

async function runStream(
  call: Call,
  wanted: StreamSubscription,
  requests: AsyncIterable<StreamRequest>,
): Promise<AsyncIterable<StreamMessage>> {
  const { app } = call;
  const { clock, log } = app.part(streamingSubscriptions);
  const component = findPubsub(app, wanted.pubsub, wanted.topic, wanted.metadata);
  if (!mayUseTopic("subscribe", wanted.topic, component, app))
    throw refused(
      `subscription to topic '${wanted.topic}' on pubsub '${wanted.pubsub}' is not allowed`,
    );
  const closing = new AbortController();
  const ended = new AbortController();
  const over = AbortSignal.any([call.signal, ended.signal]);
  const client = streamClient(over);
  const started = startSubscription({
    app,
    channel: client.channel,
    component,
    subscription: declared(wanted),
    raw: rawOf(wanted),
    isStream: true,
    route: () => "/",
    inbound: inboundOf(app, "pubsub")(wanted.pubsub),
    clock,
    log,
    closing: AbortSignal.any([over, closing.signal]),
    ended: over,
  });
  let remove: () => void = () => {};
  const end = (why: ApiError): void => {
    remove();
    closing.abort();
    ended.abort(why);
  };
  const drain = async (): Promise<void> => {
    const isFinal = app.part(streamingSubscriptions).stopping.aborted;
    const close = (): void => closing.abort();
    const fields = { app_id: app.appId, pubsub: wanted.pubsub, topic: wanted.topic };
    const running = [{ started, component }];
    await drainSubscriptions({ running, isFinal, close, clock, log, fields }, { signal: over });
    end(closed());
  };
  try {
    remove = app.part(streamingSubscriptions).add(viewOf(declared(wanted), "STREAMING"), drain);
    await started.subscribe();
  } catch (reason) {
    end(closed());
    throw refused(`cannot subscribe to topic ${wanted.topic}: ${messageOf(reason)}`, reason);
  }
  return conversation(client, requests, over, end);
}

/** Subscribed, then events until somebody ends it. Throws why it ended, unless the client has ended the call. */
async function* conversation(
  client: StreamClient,
  requests: AsyncIterable<StreamRequest>,
  over: AbortSignal,
  end: (why: ApiError) => void,
): AsyncGenerator<StreamMessage> {
  // The requests end with the call; only then does nothing wait for them any more.
  void client.listen(requests).then(
    () => end(hungUp()),
    (reason: unknown) => end(ApiError.is(reason) ? reason : refused(messageOf(reason), reason)),
  );
  try {
    yield { kind: "started" };
    yield* client.events;
    if (ApiError.is(over.reason)) throw over.reason;
  } finally {
    end(closed());
  }
}

function declared({
  pubsub,
  topic,
  metadata,
  deadLetterTopic,
}: StreamSubscription): DeclaredSubscription {
  const subscription = {
    name: "",
    pubsubname: pubsub,
    topic,
    routes: { rules: [], default: "/" },
    metadata,
  };
  return deadLetterTopic ? { ...subscription, deadLetterTopic } : subscription;
}
function rawOf({ metadata }: StreamSubscription): boolean {
  try {
    return isRawPayload(metadata);
  } catch (reason) {
    throw refused(messageOf(reason), reason);
  }
}
