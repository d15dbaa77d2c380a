import { ComponentError, messageOf } from "#core/errors/component-error.ts";
import type { CallOptions } from "#core/ports/component.ts";
import { pauseAfter } from "#core/util/backoff.ts";
import { within } from "#core/util/time-limit.ts";
import { type ChannelListener, loadClient, type RedisSubscriber } from "./client.ts";
import { type ConnectionDeps, reconnecting, type RedisConnection } from "./connection.ts";
import { enableKeyEvents } from "./key-events.ts";
import type { RedisSettings } from "./settings.ts";

/** What the server tells of its keys. One connection serves all that watch; it is there while anyone does. */
export interface Keyspace {
  /** Resolves once the listener is told; until the signal fires. No keys means all. */
  watch(keys: readonly string[], listener: KeyListener, options: CallOptions): Promise<void>;
  close(): void;
}
export interface KeyListener {
  changed(key: string): void;
  /** The connection was lost and is back: changes may have been missed. */
  resumed(): void;
}

const startLimitMs = 5000;

export function openKeyspace(
  settings: RedisSettings,
  connection: RedisConnection,
  deps: ConnectionDeps,
): Keyspace {
  const { clock, log, component } = deps;
  const prefix = `__keyspace@${settings.database}__:`;
  const listeners = new Set<KeyListener>();
  const closing = new AbortController();
  let subscriber: Promise<RedisSubscriber> | undefined;

  const isWatched = (): boolean => listeners.size > 0;
  const enable = (): Promise<void> =>
    enableKeyEvents(connection, settings.where, deps, isWatched, closing);

  async function start(): Promise<RedisSubscriber> {
    await enable();
    return openSubscriber(settings, deps, closing, () => void resume());
  }
  /** A server that has restarted, or been replaced, may not have the setting. */
  async function resume(): Promise<void> {
    await enable();
    if (!isWatched()) return;
    log.info(`Receiving notifications of Redis at ${settings.where} again`, { component });
    for (const listener of listeners) listener.resumed();
  }

  return {
    watch: async (keys, listener, { signal }) => {
      const heard: ChannelListener = (_event, channel) =>
        listener.changed(channel.slice(prefix.length));
      const channels = [...new Set(keys)].map((key) => prefix + key);
      listeners.add(listener);
      const shared = (subscriber ??= start());
      const leave = (): void => {
        listeners.delete(listener);
        if (listeners.size === 0 && subscriber === shared) {
          subscriber = undefined;
          shared.then(
            (opened) => opened.destroy(),
            () => {},
          );
          return;
        }
        // Sent after a subscribing that is still under way. A lost connection forgets by itself.
        shared
          .then((opened) =>
            channels.length > 0
              ? opened.unsubscribe(channels, heard)
              : opened.unsubscribePattern(`${prefix}*`, heard),
          )
          .catch(() => {});
      };
      try {
        await within(clock, startLimitMs, { signal }, async () => {
          const opened = await shared;
          signal.throwIfAborted();
          await (channels.length > 0
            ? opened.subscribe(channels, heard)
            : opened.subscribePattern(`${prefix}*`, heard));
        });
      } catch (reason) {
        leave();
        throw ComponentError.is(reason)
          ? reason
          : new ComponentError(
              "unavailable",
              `cannot listen to redis at ${settings.where}: ${messageOf(reason)}`,
              { cause: reason },
            );
      }
      if (signal.aborted) leave();
      else signal.addEventListener("abort", leave, { once: true });
    },
    close: () => {
      closing.abort(new ComponentError("unavailable", "the component is closed"));
      listeners.clear();
      subscriber?.then(
        (opened) => opened.destroy(),
        () => {},
      );
      subscriber = undefined;
    },
  };
}

/** Connects a subscriber; `resumed` is called each time that a lost connection is back. */
async function openSubscriber(
  settings: RedisSettings,
  { clock, log, component }: ConnectionDeps,
  closing: AbortController,
  resumed: () => void,
): Promise<RedisSubscriber> {
  let running = false;
  let down = false;
  const made = (await loadClient()).createSubscriber(settings, {
    lost: (reason) => {
      if (down || !running || closing.signal.aborted) return;
      down = true;
      log.warn(
        `Lost the notifications of Redis at ${settings.where}, connecting again: ${messageOf(reason)}`,
        { component },
      );
    },
    ready: () => {
      if (down) resumed();
      down = false;
    },
    pause: (attempt) => (closing.signal.aborted ? false : pauseAfter(attempt, reconnecting)),
  });
  try {
    await within(clock, startLimitMs, closing, () => made.connect());
    running = true;
    return made;
  } catch (reason) {
    made.destroy();
    throw reason;
  }
}
