import type { App } from "#core/app.ts";
import type { Call } from "#core/call.ts";
import { messageOf } from "#core/errors/component-error.ts";
import { type Metadata, noMetadata } from "#core/ports/component.ts";
import type { StateOp, StatePut, StateStore } from "#core/ports/state-store.ts";
import { publishAll } from "#core/pubsub/bulk.ts";
import { brokerTopic } from "#core/pubsub/find-pubsub.ts";
import { mayUseTopic } from "#core/pubsub/scopes.ts";
import { isTruthy } from "#core/util/truthy.ts";
import type { StateCipher } from "./encryption.ts";
import { stateError } from "./errors.ts";
import { outboxEvent } from "./outbox-event.ts";

/** Publishes what a store's transactions write, once they are committed, and only then. */
export interface Outbox {
  readonly store: string;
  readonly settings: OutboxSettings;
  /** The store itself: markers are not the app's values, and are not encrypted. */
  readonly port: StateStore;
  /** Present where the store's values are encrypted; events then hold what is stored. */
  readonly cipher: StateCipher | undefined;
}
export interface OutboxSettings {
  /** Where the app's subscribers are. */
  readonly pubsub: string;
  readonly topic: string;
  /** The broker on which events wait for their transaction. */
  readonly internalPubsub: string;
  /** True: an event whose transaction never came is dropped, not tried again. */
  readonly discardWhenMissing: boolean;
}

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
