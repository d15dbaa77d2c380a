import type { Loaded } from "#core/kernel/app.ts";
import type { Call } from "#core/kernel/call.ts";
import { messageOf } from "#core/errors/component-error.ts";
import { defineOperation, type Operation } from "#core/kernel/operation.ts";
import { type Data, type Metadata, noMetadata } from "#core/ports/component.ts";
import type { Message } from "#core/ports/pub-sub.ts";
import type { TraceContext } from "#core/tracing/trace-context.ts";
import type { Span } from "#core/tracing/span.ts";
import { childTrace } from "#core/tracing/start-trace.ts";
import { toCloudEvent } from "./envelope.ts";
import { brokerTopic, findPubsub } from "./find-pubsub.ts";
import { noEvent, refuseTopic, wantsRaw } from "./publish.ts";
import { describeMessaging } from "#core/kernel/facts/describe.ts";

export interface BulkEntry {
  /** Not empty, and no other entry's. */
  readonly entryId: string;
  readonly data: Data;
  readonly contentType: string;
  /** Merged with the request's already. Dapr: an entry that brings none of its own does not see the request's. */
  readonly metadata?: Metadata;
}
export interface BulkPublish {
  readonly pubsub: string;
  readonly topic: string;
  readonly entries: readonly BulkEntry[];
  /** Of the request; only `rawPayload` counts here. */
  readonly metadata: Metadata;
}
export interface FailedEntry {
  readonly entryId: string;
  readonly error: string;
}

/** Answers the entries that the broker did not take; none means success. */
export const bulkPublish: Operation<BulkPublish, readonly FailedEntry[]> = defineOperation(
  "pubsub.bulk_publish",
  {
    api: "publish",
    endpoint: "BulkPublishEvent",
    describe: describeMessaging,
    // The call, and the events that the broker took, which may be some where the call has failed.
    metric: {
      family: "component_pubsub_egress_bulk",
      kind: "pubsub",
      component: ({ pubsub }) => pubsub,
      labels: (app, name, { topic }, success) => [name, app.namespace, success, topic],
      isSuccess: (failed) => failed.length === 0,
      events: ({ entries }, failed) => (failed ? entries.length - failed.length : 0),
    },
    entries: ({ entries }) => entries.length,
  },
  async (call, { pubsub, topic, entries, metadata }) => {
    const loaded = findPubsub(call.app, pubsub, topic, metadata);
    const raw = wantsRaw(pubsub, metadata);
    const spans: Array<Span | undefined> = [];
    try {
      const messages = entries.map((entry) => {
        // Each event is a span of its own below this call's.
        const trace = raw
          ? undefined
          : call.trace && childTrace(call.trace, call.trace.span?.name ?? "", "producer");
        spans.push(trace?.span);
        return messageFor(call, loaded, topic, entry, raw, trace);
      });
      refuseTopic(call, loaded, topic);
      const target = brokerTopic(loaded, call.app, topic);
      const failures = await publishAll(loaded, target, messages, call);
      const failed: FailedEntry[] = [];
      failures.forEach((failure, i) => {
        if (failure === undefined) return;
        const { entryId } = entries[i] as BulkEntry;
        const error = messageOf(failure);
        failed.push({ entryId, error });
        spans[i]?.end(error);
      });
      for (const span of spans) span?.end();
      return failed;
    } catch (reason) {
      for (const span of spans) span?.end(messageOf(reason));
      throw reason;
    }
  },
);

function messageFor(
  call: Call,
  loaded: Loaded<"pubsub">,
  topic: string,
  entry: BulkEntry,
  raw: boolean,
  trace: TraceContext | undefined,
): Message {
  const metadata = entry.metadata ?? noMetadata;
  if (raw) return { data: entry.data, contentType: entry.contentType, metadata };
  try {
    const data = toCloudEvent(entry.data, entry.contentType, {
      appId: call.app.appId,
      pubsub: loaded.name,
      topic,
      now: call.app.clock.now(),
      trace,
      metadata,
      features: loaded.port.features,
    });
    return { data, metadata };
  } catch (reason) {
    throw noEvent(call, loaded.name, reason);
  }
}

const inFlight = 100;
/** One result per message, in order. A broker without batches gets at most 100 at a time. Never rejects. */
export async function publishAll(
  { port }: Pick<Loaded<"pubsub">, "port">,
  topic: string,
  messages: readonly Message[],
  options: { readonly signal: AbortSignal },
): Promise<readonly unknown[]> {
  const step = port.features.includes("BULK_PUBSUB") ? Math.max(messages.length, 1) : inFlight;
  const results: unknown[] = [];
  for (let at = 0; at < messages.length; at += step) {
    const some = messages.slice(at, at + step);
    try {
      const failures = await port.publish(topic, some, options);
      some.forEach((_, i) => results.push(failures[i]));
    } catch (reason) {
      const failure = reason ?? new Error("The component failed without a reason");
      for (const _ of some) results.push(failure);
    }
  }
  return results;
}
