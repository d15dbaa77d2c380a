import { messageOf } from "#core/errors/component-error.ts";
import { type CallOptions, type Metadata, noMetadata } from "#core/ports/component.ts";
import type { BulkEventEntry } from "#core/ports/app-callback.ts";
import type { PlainResponse } from "#core/ports/platform.ts";
import type { Ack, Message } from "#core/ports/pub-sub.ts";
import { endWithStatus } from "#core/tracing/attributes.ts";
import { isRecord } from "#core/util/json.ts";
import { answerObject, discard } from "#core/blocks/_shared/app-answer.ts";
import { toBase64 } from "#core/util/base64.ts";
import { cloudEventType, jsonType, octetType } from "#core/util/content-types.ts";
import { toDeadLetters } from "./dead-letter.ts";
import { dispatch } from "./deliver.ts";
import { type Delivery, DeliveryError, fieldsOf } from "./delivery.ts";
import { deliveryHeaders, deliveryTrace } from "./delivery-headers.ts";
import { textOf } from "#core/util/bytes.ts";
import { field } from "#core/blocks/_shared/fields.ts";
import { beginning, noteBulkIngress, type ProcessStatus } from "./ingress-metrics.ts";
import { eventOf, type ReadEvent, readEntry, traceOf } from "./read-event.ts";

interface Entry extends BulkEventEntry {
  /** Place in the batch. */
  readonly index: number;
  readonly json: string;
  readonly trace: string | undefined;
}
/** `unwanted` may go to the dead letters, `ignored` may not, `failed` may come again. */
type Verdict = "done" | "unwanted" | "ignored" | "failed";

/** A batch to the app, one call for each path; one verdict per message, in order. Never rejects. */
export async function deliverBatch(
  delivery: Delivery,
  messages: readonly Message[],
): Promise<readonly Ack[]> {
  const began = beginning(delivery.app);
  const verdicts = messages.map((): Verdict => "failed");
  const byPath = new Map<string, Entry[]>();
  messages.forEach((message, index) => {
    const target = dispatch(delivery, message, readEntry);
    if ("unwanted" in target) verdicts[index] = "unwanted";
    if (!("read" in target)) return;
    const entry = entryOf(index, message, target.read);
    const entries = byPath.get(target.path);
    if (entries) entries.push(entry);
    else byPath.set(target.path, [entry]);
  });
  await Promise.all(
    [...byPath].map(([path, entries]) => deliverEntries(delivery, path, entries, verdicts)),
  );
  noteBulkIngress(delivery, began, verdicts, processStatus);
  return acknowledge(delivery, messages, verdicts);
}

const processStatus: Readonly<Record<Verdict, ProcessStatus>> = {
  done: "success",
  unwanted: "drop",
  ignored: "drop",
  failed: "retry",
};

function entryOf(index: number, message: Message, read: ReadEvent): Entry {
  const entryId = crypto.randomUUID();
  const { metadata } = message;
  const event = read.isJson ? textOf(read.body) : `"${toBase64(read.body)}"`;
  const contentType = message.contentType || (read.isJson ? cloudEventType : octetType);
  const json =
    `{"entryId":"${entryId}","event":${event},"metadata":${metadataText(metadata)}` +
    `,"contentType":${JSON.stringify(contentType)}}`;
  return {
    index,
    entryId,
    contentType,
    metadata,
    json,
    event: eventOf(read),
    trace: traceOf(read, metadata),
  };
}
function metadataText(metadata: Metadata): string {
  return Object.keys(metadata).length === 0 ? "null" : JSON.stringify(metadata);
}

/** Under a policy that runs it again, only what has no verdict yet is sent again. */
async function deliverEntries(
  delivery: Delivery,
  path: string,
  entries: readonly Entry[],
  verdicts: Verdict[],
): Promise<void> {
  let open = entries;
  try {
    await delivery.inbound(
      async (options) => {
        await post(delivery, path, open, verdicts, options);
        open = open.filter(({ index }) => verdicts[index] === "failed");
        if (open.length > 0)
          throw new DeliveryError(`${open.length} of ${entries.length} entries failed`);
      },
      { signal: delivery.signal },
    );
  } catch (reason) {
    delivery.log.warn(`Cannot deliver a batch: ${messageOf(reason)}`, fieldsOf(delivery));
  }
}

async function post(
  delivery: Delivery,
  path: string,
  entries: readonly Entry[],
  verdicts: Verdict[],
  options: CallOptions,
): Promise<void> {
  const { app, channel, component, log, topic } = delivery;
  // Each event is of a trace of its own; the headers can name only one of them.
  const traces = entries.flatMap((entry) => deliveryTrace(app, topic, entry.trace) ?? []);
  const headers = deliveryHeaders(app, component.name, jsonType, noMetadata, traces.at(-1));
  const body = envelope(component.name, topic, entries);
  let response: PlainResponse;
  try {
    response = await channel.send(
      {
        method: "POST",
        path: delivery.requestPath(path),
        headers,
        body,
        callback: { kind: "bulk-event", pubsub: component.name, topic, path, entries },
      },
      options,
    );
  } catch (reason) {
    for (const { span } of traces) span?.end(messageOf(reason));
    throw new DeliveryError(`no answer from the app: ${messageOf(reason)}`, { cause: reason });
  }
  const { status } = response;
  for (const { span } of traces) if (span) endWithStatus(span, status);
  if (status === 404) {
    discard(response);
    log.error("The app has no handler for the batch; it answered 404", fieldsOf(delivery));
    // Dapr: no dead letters here, unlike for a single delivery.
    for (const { index } of entries) verdicts[index] = "ignored";
    return;
  }
  if (status < 200 || status > 299) {
    discard(response);
    throw new DeliveryError(`the app answered ${status}`, { status });
  }
  const answer = await answerObject(response);
  if (!answer)
    throw new DeliveryError("the app's answer is not a JSON object with statuses", { status });
  readStatuses(delivery, field(answer, "statuses"), entries, verdicts);
}

function envelope(pubsub: string, topic: string, entries: readonly Entry[]): string {
  const name = JSON.stringify(pubsub);
  return (
    `{"entries":[${entries.map(({ json }) => json).join(",")}],"id":"${crypto.randomUUID()}"` +
    `,"metadata":{"pubsubName":${name}},"pubsubname":${name},"topic":${JSON.stringify(topic)}` +
    `,"type":"com.dapr.event.sent.bulk"}`
  );
}

/** Dapr: unlike for a single delivery, an empty or missing status is a retry. */
function readStatuses(
  delivery: Delivery,
  statuses: unknown,
  entries: readonly Entry[],
  verdicts: Verdict[],
): void {
  const places = new Map(entries.map(({ entryId, index }) => [entryId, index]));
  for (const item of Array.isArray(statuses) ? statuses : []) {
    if (!isRecord(item)) continue;
    const entryId = field(item, "entryId");
    const index = typeof entryId === "string" ? places.get(entryId) : undefined;
    if (index === undefined) {
      delivery.log.warn("The app answered for an entry that it was not sent", fieldsOf(delivery));
      continue;
    }
    const status = field(item, "status");
    verdicts[index] = status === "SUCCESS" ? "done" : status === "DROP" ? "unwanted" : "failed";
  }
}

async function acknowledge(
  delivery: Delivery,
  messages: readonly Message[],
  verdicts: readonly Verdict[],
): Promise<readonly Ack[]> {
  const acks = verdicts.map((verdict): Ack => {
    if (verdict === "done") return "done";
    return verdict === "failed" ? "retry" : "drop";
  });
  if (delivery.deadLetterTopic === "") return acks;
  const dead = [...messages.keys()].filter(
    (i) => verdicts[i] === "failed" || verdicts[i] === "unwanted",
  );
  const letters = dead.map((i) => messages[i] as Message);
  const moved = delivery.closing()
    ? letters.map(() => false)
    : await toDeadLetters(delivery, letters);
  dead.forEach((i, at) => {
    acks[i] = moved[at] === true ? "done" : "retry";
  });
  return acks;
}
