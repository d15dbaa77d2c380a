import type { App } from "#core/kernel/app.ts";
import type { Call } from "#core/kernel/call.ts";
import { messageOf } from "#core/errors/component-error.ts";
import { type Metadata, noMetadata } from "#core/ports/component.ts";
import type { StateOp, StatePut } from "#core/ports/state-store.ts";
import { publishAll } from "#core/blocks/pubsub/bulk.ts";
import { brokerTopic } from "#core/blocks/pubsub/find-pubsub.ts";
import { mayUseTopic } from "#core/blocks/pubsub/scopes.ts";
import { isTruthy } from "#core/util/truthy.ts";
import type { Outbox, OutboxSettings } from "#core/kernel/outbox.ts";
import { stateError } from "./errors.ts";
import { outboxEvent } from "./outbox-event.ts";

/** What the store's metadata (names in lower case) asks for; `undefined` where both names are not there. */
export function outboxSettings(metadata: Metadata): OutboxSettings | undefined {
  const pubsub = metadata["outboxpublishpubsub"] ?? "";
  const topic = metadata["outboxpublishtopic"] ?? "";
  if (pubsub === "" || topic === "") return undefined;
  return {
    pubsub,
    topic,
    internalPubsub: metadata["outboxpubsub"] || pubsub,
    discardWhenMissing: isTruthy(metadata["outboxdiscardwhenmissingstate"] ?? ""),
  };
}

/** Runs a transaction of which every value that is put becomes an event. Rejects with `ERR_PUBLISH_OUTBOX`, nothing written, when an event cannot be put by. */
export async function transactWithOutbox(
  outbox: Outbox,
  asked: readonly StateOp[],
  call: Call,
): Promise<void> {
  const ops = await sealed(outbox, asked);
  const projections = new Map<string, StatePut>();
  const kept: StateOp[] = [];
  for (const op of ops)
    if (op.op === "put" && isTruthy(op.metadata["outbox.projection"] ?? ""))
      projections.set(op.key, op);
    else kept.push(op);
  const puts = kept.filter((op) => op.op === "put");
  const markers = puts.map(() => marker());
  const events = puts.map((put, i) =>
    outboxEvent({
      id: (markers[i] as StatePut).key,
      payload: projections.get(put.key) ?? put,
      metadata: put.metadata,
      appId: call.app.appId,
      pubsub: outbox.settings.internalPubsub,
      now: call.app.clock.now(),
      trace: call.trace,
    }),
  );
  await putBy(outbox, events, call);
  await outbox.port.transact?.([...kept, ...markers], call);
}

async function sealed({ cipher }: Outbox, ops: readonly StateOp[]): Promise<readonly StateOp[]> {
  return cipher ? Promise.all(ops.map((op) => cipher.seal(op))) : ops;
}

/** That it is there after the transaction is how the event knows of it. */
function marker(): StatePut {
  const key = `outbox-${crypto.randomUUID()}`;
  return { op: "put", key, value: '"0"', metadata: noMetadata };
}

async function putBy(outbox: Outbox, events: readonly string[], call: Call): Promise<void> {
  const { internalPubsub, topic } = outbox.settings;
  const failure = await publishEvents(
    call.app,
    internalPubsub,
    internalTopic(call.app, topic),
    events,
    call,
  );
  if (failure === undefined) return;
  const error = messageOf(failure);
  throw stateError("ERR_PUBLISH_OUTBOX", `error while publishing outbox message: ${error}`, {
    cause: failure,
    details: [
      {
        type: "ErrorInfo",
        reason: "DAPR_PUBSUB_OUTBOX",
        metadata: { appID: call.app.appId, error },
      },
    ],
  });
}

/** Where events wait: a topic of the app's own. */
export function internalTopic({ namespace, appId }: App, topic: string): string {
  return `${namespace}${appId}${topic}outbox`;
}

/** As if the app had published: by name, within its scopes. Answers the first failure. */
export async function publishEvents(
  app: App,
  pubsub: string,
  topic: string,
  events: readonly string[],
  options: { readonly signal: AbortSignal },
): Promise<unknown> {
  const component = app.component("pubsub", pubsub);
  if (!component) return new Error(`pubsub '${pubsub}' not found`);
  if (!mayUseTopic("publish", topic, component, app))
    return new Error(`topic ${topic} is not allowed for app id ${app.appId}`);
  const messages = events.map((data) => ({ data, metadata: noMetadata }));
  const results = await publishAll(
    component,
    brokerTopic(component, app, topic),
    messages,
    options,
  );
  return results.find((result) => result !== undefined);
}
