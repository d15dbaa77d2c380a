import { whyNotStarted } from "#core/kernel/not-started.ts";
import type { Call } from "#core/kernel/call.ts";
import { messageOf } from "#core/errors/component-error.ts";
import { defineOperation, type Operation } from "#core/kernel/operation.ts";
import type { CallOptions } from "#core/ports/component.ts";
import type { ConfigurationItems, ConfigurationStore } from "#core/ports/configuration-store.ts";
import { createRendezvous } from "#core/util/rendezvous.ts";
import { configurationError } from "./errors.ts";
import { type ConfigurationUpdate, postUpdate } from "./post-update.ts";
import { type ConfigurationSubscription, configurationSubscriptions } from "./subscriptions.ts";
import { configurationFacts } from "./facts.ts";

/** Which items; no keys means all. */
export interface GetConfiguration {
  readonly store: string;
  readonly keys: readonly string[];
}

export const getConfiguration: Operation<GetConfiguration, ConfigurationItems> = defineOperation(
  "configuration.get",
  { ...configurationFacts("GetConfiguration", "get"), entries: ({ keys }) => keys.length },
  async (call, { store, keys }) => {
    const port = storeOf(call, store);
    try {
      return await port.get(keys, call.metadata, call);
    } catch (reason) {
      throw configurationError(
        "ERR_CONFIGURATION_GET",
        `failed to get [${keys.join(" ")}] from Configuration store ${store}: ${messageOf(reason)}`,
        { cause: reason },
      );
    }
  },
);

/** Updates go to the app, until it unsubscribes or goes away. Answers the subscription's id. */
export const subscribeConfiguration: Operation<GetConfiguration, string> = defineOperation(
  "configuration.subscribe",
  {
    ...configurationFacts("SubscribeConfiguration", "subscribe"),
    entries: ({ keys }) => keys.length,
  },
  async (call, request) => {
    const { app } = call;
    const { store } = request;
    const port = storeOf(call, store);
    const { channel } = app;
    const subscriptions = app.part(configurationSubscriptions);
    if (!channel)
      throw configurationError(
        "ERR_APP_CHANNEL_NIL",
        "app channel is not initialized. cannot subscribe to configuration updates",
      );
    const subscription = start(call, request);
    const { id } = subscription;
    try {
      const changed = (items: ConfigurationItems): Promise<void> =>
        subscriptions.deliver((options) => postUpdate(app, channel, store, { id, items }, options));
      // Not the caller's signal: the subscription outlives the request.
      await watch(port, call, request, changed, subscription);
      return id;
    } catch (reason) {
      subscription.end();
      throw reason;
    }
  },
);

/** Updates go to the caller; the first message says only the id. Ends with the call, or when it is unsubscribed. */
export const streamConfiguration: Operation<
  GetConfiguration,
  AsyncIterable<ConfigurationUpdate>
> = defineOperation(
  "configuration.stream",
  {
    ...configurationFacts("SubscribeConfiguration", "subscribe"),
    entries: ({ keys }) => keys.length,
  },
  async (call, request) => updates(call, storeOf(call, request.store), request),
);

async function* updates(
  call: Call,
  port: ConfigurationStore,
  request: GetConfiguration,
): AsyncGenerator<ConfigurationUpdate> {
  const subscription = start(call, request);
  const { id } = subscription;
  const signal = AbortSignal.any([call.signal, subscription.signal]);
  const changes = createRendezvous<ConfigurationItems>(signal);
  try {
    await watch(port, call, request, changes.give, { signal });
    yield { id, items: {} };
    for await (const items of changes.taken) yield { id, items };
  } finally {
    subscription.end();
  }
}

export interface UnsubscribeConfiguration {
  /** Absent: whichever store the subscription is to. */
  readonly store?: string;
  readonly id: string;
}
export interface Unsubscribed {
  readonly id: string;
  /** False when the app has no such subscription. */
  readonly ok: boolean;
}
export const unsubscribeConfiguration: Operation<UnsubscribeConfiguration, Unsubscribed> =
  defineOperation(
    "configuration.unsubscribe",
    configurationFacts("UnsubscribeConfiguration", "unsubscribe"),
    async (call, { store, id }) => {
      if (store !== undefined) storeOf(call, store);
      return { id, ok: call.app.part(configurationSubscriptions).end(id, store) };
    },
  );

function storeOf({ app }: Call, store: string): ConfigurationStore {
  const failure = whyNotStarted(app, "configuration", store);
  if (!app.components.has("configuration"))
    throw configurationError(
      "ERR_CONFIGURATION_STORE_NOT_CONFIGURED",
      failure ?? "configuration stores not configured",
    );
  const found = app.component("configuration", store);
  if (found) return found.port;
  throw configurationError(
    "ERR_CONFIGURATION_STORE_NOT_FOUND",
    failure ?? `configuration store ${store} not found`,
  );
}

function start({ app }: Call, request: GetConfiguration): ConfigurationSubscription {
  try {
    return app.part(configurationSubscriptions).start(request.store);
  } catch (reason) {
    throw cannotSubscribe(request, reason);
  }
}

async function watch(
  port: ConfigurationStore,
  { metadata }: Call,
  request: GetConfiguration,
  changed: (items: ConfigurationItems) => Promise<void>,
  options: CallOptions,
): Promise<void> {
  try {
    if (!port.watch) throw new Error("this store does not report changes");
    await port.watch(request.keys, metadata, changed, { signal: options.signal });
  } catch (reason) {
    throw cannotSubscribe(request, reason);
  }
}

function cannotSubscribe({ store, keys }: GetConfiguration, cause: unknown): Error {
  return configurationError(
    "ERR_CONFIGURATION_SUBSCRIBE",
    `failed to subscribe [${keys.join(" ")}] from Configuration store ${store}: ${messageOf(cause)}`,
    { cause },
  );
}
